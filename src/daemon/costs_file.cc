// See costs_file.h.
#include "daemon/costs_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "base/log.h"
#include "base/text.h"
#include "daemon/error_text.h"
#include "daemon/json_tree.h"

namespace clasp::daemon {

namespace {

constexpr int kVersion = 1;
constexpr std::size_t kLargest = 64u << 20;
constexpr int kMostAside = 100;
constexpr mode_t kMode = 0600;
constexpr std::int64_t kFarthestDay = 10'000'000;  // some 27,000 years

// ---- JSON --------------------------------------------------------------------------------------

json_t* number(std::uint64_t value) {
  return json_integer(static_cast<json_int_t>(value));
}

void set_spent(json_t* object, const policy::Spent& sum) {
  json_object_set_new(object, "requests", number(sum.requests));
  json_object_set_new(object, "input_tokens", number(sum.input_tokens));
  json_object_set_new(object, "output_tokens", number(sum.output_tokens));
  json_object_set_new(object, "cached_tokens", number(sum.cached_tokens));
  json_object_set_new(object, "unpriced_requests", number(sum.unpriced));
  json_object_set_new(object, "nano_usd", json_integer(sum.cost));
}

void set_periods(json_t* object, const policy::PeriodCosts& periods) {
  json_object_set_new(object, "day", json_integer(periods.day));
  json_object_set_new(object, "day_nano_usd", json_integer(periods.day_cost));
  json_object_set_new(object, "month_nano_usd", json_integer(periods.month_cost));
}

// A list, not an object: names may be any bytes that JSON can hold, the empty one too.
template <class Map, class Set>
json_t* list_of(const Map& map, const Set& set) {
  json_t* list = json_array();
  for (const auto& [name, value] : map) {
    json_t* object = json_object();
    json_object_set_new(object, "name", text_value(scrub_utf8(name)));
    set(object, value);
    json_array_append_new(list, object);
  }
  return list;
}

class Reader {
 public:
  bool ok() const { return ok_; }
  std::int64_t integer(const json_t* object, const char* name) {
    const json_t* value = json_object_get(object, name);
    if (!json_is_integer(value)) return fail();
    return json_integer_value(value);
  }
  // Counts and sums are never below zero.
  std::int64_t count(const json_t* object, const char* name) {
    const std::int64_t value = integer(object, name);
    return value < 0 ? fail() : value;
  }
  policy::Spent spent(const json_t* object) {
    policy::Spent out;
    out.requests = static_cast<std::uint64_t>(count(object, "requests"));
    out.input_tokens = static_cast<std::uint64_t>(count(object, "input_tokens"));
    out.output_tokens = static_cast<std::uint64_t>(count(object, "output_tokens"));
    out.cached_tokens = static_cast<std::uint64_t>(count(object, "cached_tokens"));
    out.unpriced = static_cast<std::uint64_t>(count(object, "unpriced_requests"));
    out.cost = count(object, "nano_usd");
    return out;
  }
  policy::PeriodCosts periods(const json_t* object) {
    const std::int64_t day = integer(object, "day");
    if (day < -kFarthestDay || day > kFarthestDay) fail();
    return {ok_ ? day : 0, count(object, "day_nano_usd"), count(object, "month_nano_usd")};
  }
  template <class Each>
  void list(const json_t* object, const char* name, const Each& each) {
    const json_t* list = json_object_get(object, name);
    if (!json_is_array(list)) fail();
    for (std::size_t i = 0; i < json_array_size(list); ++i) {
      const json_t* item = json_array_get(list, i);
      const json_t* label = json_object_get(item, "name");
      if (!json_is_string(label)) {
        fail();
        return;
      }
      each(std::string(json_string_value(label), json_string_length(label)), item);
    }
  }

 private:
  std::int64_t fail() {
    ok_ = false;
    return 0;
  }
  bool ok_ = true;
};

JsonPtr parse(const std::string& text) {
  return JsonPtr(
      json_loadb(text.data(), text.size(), JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, nullptr));
}

// ---- files -------------------------------------------------------------------------------------

Result<void> write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return fail(describe_errno(errno));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return {};
}

// Nothing: there is no such file.
Result<std::optional<std::string>> read_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) {
    if (errno == ENOENT) return std::optional<std::string>();
    return fail("cannot read " + path + ": " + describe_errno(errno));
  }
  struct stat info {};
  if (fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return fail(path + " is not a file");
  std::string text;
  char buffer[64 * 1024];
  for (;;) {
    const ssize_t got = ::read(fd.get(), buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail("cannot read " + path + ": " + describe_errno(errno));
    if (got == 0) return std::optional(std::move(text));
    text.append(buffer, static_cast<std::size_t>(got));
    if (text.size() > kLargest) return std::optional<std::string>("too large");
  }
}

// Writing replaces the name: of a link that would be the link, and the lock beside it would keep
// nobody from the file.
Result<std::string> behind_links(const std::string& path) {
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0 || !S_ISLNK(info.st_mode)) return path;
  const std::unique_ptr<char, void (*)(void*)> real(realpath(path.c_str(), nullptr), &std::free);
  if (real) return std::string(real.get());
  return fail("costs.file: " + path + " is a link that leads nowhere: " + describe_errno(errno));
}

// The new name of a file is only safe when its directory is.
void sync_directory(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : path.substr(0, slash + 1);
  const UniqueFd fd(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (fd) fsync(fd.get());
}

}  // namespace

std::string render_ledger(const policy::LedgerState& state) {
  JsonPtr root(json_object());
  json_object_set_new(root.get(), "version", json_integer(kVersion));
  json_object_set_new(root.get(), "since", json_integer(state.since));
  json_t* total = json_object();
  set_spent(total, state.total);
  set_periods(total, state.periods);
  json_object_set_new(root.get(), "total", total);
  const auto client = [](json_t* object, const policy::ClientSpent& value) {
    set_spent(object, value.all);
    set_periods(object, value.periods);
  };
  json_object_set_new(root.get(), "clients", list_of(state.clients, client));
  json_object_set_new(root.get(), "models", list_of(state.models, set_spent));
  json_object_set_new(root.get(), "backends", list_of(state.backends, set_spent));
  return dump_json(root);
}

std::int64_t ledger_version(const std::string& text) {
  const JsonPtr root = parse(text);
  return json_integer_value(json_object_get(root.get(), "version"));
}

Result<policy::LedgerState> parse_ledger(const std::string& text) {
  const JsonPtr root = parse(text);
  Reader reader;
  policy::LedgerState state;
  if (!root || reader.integer(root.get(), "version") != kVersion)
    return fail("it is not a ledger of costs");
  state.since = reader.count(root.get(), "since");
  const json_t* total = json_object_get(root.get(), "total");
  state.total = reader.spent(total);
  state.periods = reader.periods(total);
  reader.list(root.get(), "clients", [&](std::string name, const json_t* item) {
    state.clients[std::move(name)] = {reader.spent(item), reader.periods(item)};
  });
  reader.list(root.get(), "models", [&](std::string name, const json_t* item) {
    state.models[std::move(name)] = reader.spent(item);
  });
  reader.list(root.get(), "backends", [&](std::string name, const json_t* item) {
    state.backends[std::move(name)] = reader.spent(item);
  });
  if (!reader.ok()) return fail("a part of it is missing or is no number");
  return state;
}

std::string render_charge(const policy::Charge& charge, std::int64_t ended) {
  const JsonPtr root(json_object());
  json_t* out = root.get();
  const auto name = [out](const char* key, std::string_view text) {
    json_object_set_new(out, key,
                        text_value(scrub_utf8(text.substr(0, policy::Ledger::kLongestName))));
  };
  const auto number = [out](const char* key, std::int64_t value) {
    json_object_set_new(out, key, json_integer(value));
  };
  name("client", charge.client);
  name("model", charge.model);
  name("backend", charge.backend);
  number("input", charge.input_tokens);
  number("output", charge.output_tokens);
  number("cached", charge.cached_tokens);
  number("cost", charge.cost);
  number("priced", charge.priced ? 1 : 0);
  number("ended", ended);
  return dump_json(root);
}

Result<ToldCharge> parse_charge(std::string_view line) {
  const JsonPtr root = parse(std::string(line));
  if (!root) return fail("it is no JSON");
  Reader reader;
  ToldCharge out;
  const auto name = [&root](const char* key) {
    const json_t* text = json_object_get(root.get(), key);
    return json_is_string(text) ? std::string(json_string_value(text), json_string_length(text))
                                : std::string();
  };
  out.client = name("client");
  out.model = name("model");
  out.backend = name("backend");
  out.numbers.input_tokens = reader.count(root.get(), "input");
  out.numbers.output_tokens = reader.count(root.get(), "output");
  out.numbers.cached_tokens = reader.count(root.get(), "cached");
  out.numbers.cost = reader.count(root.get(), "cost");
  out.numbers.priced = reader.count(root.get(), "priced") != 0;
  out.ended = reader.count(root.get(), "ended");
  if (!reader.ok()) return fail("a part of it is missing or is no number");
  return out;
}

std::string costs_path(const config::CostSettings& settings, const char* state_directories) {
  if (!settings.file.empty()) return settings.file;
  if (state_directories == nullptr || *state_directories == '\0') return {};
  const std::string_view all = state_directories;
  return std::string(all.substr(0, all.find(':'))) + "/costs.json";
}

Result<std::unique_ptr<CostsFile>> CostsFile::open(const std::string& path) {
  auto place = behind_links(path);
  if (!place) return tl::unexpected(place.error());
  std::unique_ptr<CostsFile> file(new CostsFile(std::move(*place)));
  if (auto locked = file->lock(); !locked) return tl::unexpected(locked.error());
  if (auto loaded = file->load(); !loaded) return tl::unexpected(loaded.error());
  // Found out now rather than when there is something to lose.
  if (auto written = file->write(file->loaded_); !written) return tl::unexpected(written.error());
  return file;
}

// A file of its own: the ledger's is replaced by each writing.
Result<void> CostsFile::lock() {
  const std::string name = path_ + ".lock";
  lock_ = UniqueFd(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, kMode));
  if (!lock_) return fail("costs.file: cannot open " + name + ": " + describe_errno(errno));
  if (flock(lock_.get(), LOCK_EX | LOCK_NB) == 0) return {};
  if (errno == EWOULDBLOCK)
    return fail("costs.file: " + path_ + " is in use by another process; each needs its own");
  return fail("costs.file: cannot lock " + name + ": " + describe_errno(errno));
}

Result<void> CostsFile::load() {
  auto text = read_file(path_);
  if (!text) return fail("costs.file: " + text.error().message);
  if (!*text) return {};
  auto state = parse_ledger(**text);
  if (state) {
    loaded_ = std::move(*state);
    return {};
  }
  if (ledger_version(**text) > kVersion)
    return fail("costs.file: " + path_ +
                " was written by a newer version; move it away to begin anew");
  return set_aside(state.error().message);
}

Result<void> CostsFile::set_aside(const std::string& why) {
  for (int i = 0; i < kMostAside; ++i) {
    const std::string name = path_ + ".broken" + (i == 0 ? "" : "." + std::to_string(i));
    if (::access(name.c_str(), F_OK) == 0) continue;
    if (std::rename(path_.c_str(), name.c_str()) != 0)
      return fail("costs.file: cannot move " + path_ + " aside: " + describe_errno(errno));
    log_error("costs.file: " + path_ + " cannot be read (" + why + "); it is kept as " + name +
              ", and counting begins anew: what clients had spent of their budgets is not known");
    return {};
  }
  return fail("costs.file: " + path_ + " cannot be read (" + why + "), and neither could " +
              std::to_string(kMostAside) + " before it");
}

Result<void> CostsFile::write(const policy::LedgerState& state) const {
  const std::string name = path_ + ".new";
  const auto failed = [&](const std::string& what) {
    ::unlink(name.c_str());
    return fail("costs.file: cannot write " + path_ + ": " + what);
  };
  ::unlink(name.c_str());  // of a process that died
  UniqueFd fd(::open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, kMode));
  if (!fd) return failed(describe_errno(errno));
  if (auto written = write_all(fd.get(), render_ledger(state) + "\n"); !written)
    return failed(written.error().message);
  if (fsync(fd.get()) != 0) return failed(describe_errno(errno));
  if (std::rename(name.c_str(), path_.c_str()) != 0) return failed(describe_errno(errno));
  sync_directory(path_);
  return {};
}

}  // namespace clasp::daemon
