// The ledger's file: what is written is read, what is broken is kept, nobody shares it.
#include "daemon/costs_file.h"

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "daemon/shared_costs.h"

using namespace clasp;
using namespace clasp::daemon;

namespace {

struct Folder {
  Folder() {
    char name[] = "/tmp/clasp-costs-XXXXXX";
    path = mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string at(const char* name) const { return path + "/" + name; }
  std::string path;
};

void put(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::trunc) << text;
}
std::string get(const std::string& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

policy::LedgerState some() {
  policy::Ledger ledger;
  ledger.add({.client = "alice",
              .model = "m\"\n\xc3\xbc",
              .backend = "b",
              .input_tokens = 10,
              .output_tokens = 3,
              .cached_tokens = 2,
              .cost = 1234567},
             1'800'000'000);
  ledger.add(
      {.client = "", .model = "n", .backend = "c", .input_tokens = 1, .cost = 0, .priced = false},
      1'800'100'000);
  return ledger.state();
}

exchange::Record record(std::int64_t cost) {
  exchange::Record out;
  out.backend = "b";
  out.model_used = "m";
  out.client_name = "alice";
  out.input_tokens = 5;
  out.cost = cost;
  out.ended = 1'800'000'000;
  return out;
}

}  // namespace

TEST_CASE("costs file: what was written is read, mode 0600") {
  const Folder folder;
  {
    auto file = CostsFile::open(folder.at("costs.json"));
    REQUIRE_MESSAGE(file, file.error().message);
    CHECK((*file)->loaded() == policy::LedgerState{});
    REQUIRE((*file)->write(some()));
    CHECK((*file)->loaded() == policy::LedgerState{});
  }
  auto again = CostsFile::open(folder.at("costs.json"));
  REQUIRE(again);
  CHECK((*again)->loaded() == some());
  struct stat info {};
  REQUIRE(stat(folder.at("costs.json").c_str(), &info) == 0);
  CHECK((info.st_mode & 07777) == 0600);
  CHECK_FALSE(std::filesystem::exists(folder.at("costs.json.new")));
}

TEST_CASE("costs file: a second instance is refused") {
  const Folder folder;
  auto first = CostsFile::open(folder.at("costs.json"));
  REQUIRE(first);
  auto second = CostsFile::open(folder.at("costs.json"));
  REQUIRE_FALSE(second);
  CHECK(second.error().message.find("in use by another process") != std::string::npos);
  first->reset();
  CHECK(CostsFile::open(folder.at("costs.json")));
}

TEST_CASE("costs file: a link stays one, and leads to the same lock") {
  const Folder folder;
  const std::string path = folder.at("costs.json"), link = folder.at("link.json");
  REQUIRE(symlink("costs.json", link.c_str()) == 0);
  const auto nowhere = CostsFile::open(link);
  REQUIRE_FALSE(nowhere);
  CHECK(nowhere.error().message.find("leads nowhere") != std::string::npos);
  auto first = CostsFile::open(path);
  REQUIRE(first);
  REQUIRE_FALSE(CostsFile::open(link));
  first->reset();
  auto through = CostsFile::open(link);
  REQUIRE_MESSAGE(through, through.error().message);
  REQUIRE((*through)->write(some()));
  CHECK(std::filesystem::is_symlink(link));
  CHECK(get(path).find("alice") != std::string::npos);
}

TEST_CASE("costs file: a broken one is kept aside, an older broken one too") {
  const Folder folder;
  const std::string path = folder.at("costs.json");
  const std::string whole = render_ledger(some());
  int kept = 0;
  for (const std::string& text :
       {std::string("{"), std::string(), std::string("[]"), whole.substr(0, whole.size() / 2),
        std::string("{\"version\":1}"), std::string("{\"version\":\"1\"}"), [&] {
          std::string odd = whole;
          return odd.replace(odd.find(":10"), 3, ":-1");
        }()}) {
    put(path, text);
    const auto file = CostsFile::open(path);
    REQUIRE_MESSAGE(file, text);
    CHECK((*file)->loaded() == policy::LedgerState{});
    const std::string name = path + ".broken" + (kept == 0 ? "" : "." + std::to_string(kept));
    CHECK(get(name) == text);
    ++kept;
  }
}

TEST_CASE("costs file: one of a newer version stops the start, and stays") {
  const Folder folder;
  put(folder.at("costs.json"), "{\"version\":2,\"more\":[]}");
  const auto file = CostsFile::open(folder.at("costs.json"));
  REQUIRE_FALSE(file);
  CHECK(file.error().message.find("newer version") != std::string::npos);
  CHECK(get(folder.at("costs.json")) == "{\"version\":2,\"more\":[]}");
}

TEST_CASE("costs file: a place that cannot be written is told at the start") {
  CHECK_FALSE(CostsFile::open("/nonexistent/folder/costs.json"));
  const Folder folder;
  CHECK_FALSE(CostsFile::open(folder.path));  // a folder
}

TEST_CASE("costs file: days that no calendar has are no ledger") {
  std::string text = render_ledger(some());
  const auto at = text.find("\"day\":");
  text.replace(at, text.find(',', at) - at, "\"day\":9223372036854775807");
  CHECK_FALSE(parse_ledger(text));
}

TEST_CASE("costs file: where it is") {
  config::CostSettings settings;
  CHECK(costs_path(settings, nullptr) == "");
  CHECK(costs_path(settings, "") == "");
  CHECK(costs_path(settings, "/var/lib/clasp:/var/lib/more") == "/var/lib/clasp/costs.json");
  settings.file = "/x/y";
  CHECK(costs_path(settings, "/var/lib/clasp") == "/x/y");
}

TEST_CASE("costs: what is saved comes back, and only what changed is written") {
  const Folder folder;
  const std::string path = folder.at("costs.json");
  config::Settings settings;
  settings.costs.file = path;
  {
    SharedCosts costs;
    REQUIRE(open_costs(costs, settings, nullptr));
    costs.on_record(record(7));
    costs.save();
    put(path, "touched");
    costs.save();  // nothing new
    CHECK(get(path) == "touched");
    costs.on_record(record(8));
    costs.save();
  }
  SharedCosts costs;
  REQUIRE(open_costs(costs, settings, nullptr));
  CHECK(costs.snapshot().clients.at("alice").all.cost == 15);
  config::ClientSettings alice;
  alice.name = "alice";
  alice.daily_budget = 1;  // a millionth of a dollar
  CHECK_FALSE(costs.over_budget(alice, 1'800'000'000));
  costs.on_record(record(985));
  CHECK(costs.over_budget(alice, 1'800'000'000));
}

TEST_CASE("costs: requests that asked no backend are not counted") {
  SharedCosts costs;
  exchange::Record early = record(0);
  early.backend.clear();
  costs.on_record(early);
  exchange::Record failed = record(0);
  failed.input_tokens = 0;
  failed.outcome = exchange::Outcome::failed;
  costs.on_record(failed);
  exchange::Record memory = record(0);
  memory.cache = exchange::CacheUse::hit;
  costs.on_record(memory);
  CHECK(costs.snapshot() == policy::LedgerState{});
}

TEST_CASE("a charge goes from one process to the next as a line") {
  policy::Charge charge;
  charge.client = "ann";
  charge.model = "gpt \"4\"";
  charge.backend = "east";
  charge.input_tokens = 11;
  charge.output_tokens = 7;
  charge.cached_tokens = 3;
  charge.cost = 1'234'567'890'123;
  charge.priced = false;
  const auto told = parse_charge(render_charge(charge, 1'800'000'000));
  REQUIRE(told);
  CHECK(told->ended == 1'800'000'000);
  policy::Ledger one, other;
  one.add(charge, told->ended);
  other.add(told->charge(), told->ended);
  CHECK(one.state() == other.state());
  for (const char* line : {"", "{}", "[]", R"({"input":-1})", "spent"})
    CHECK_FALSE(parse_charge(line));
}
