// The secondary store of reasoning state (translation spec §2.5.8).
#include "core/exchange/states.h"

#include <doctest/doctest.h>

using namespace clasp;
using namespace clasp::exchange;

namespace {

translate::Reply::CallStates reply(std::vector<std::string> ids, std::string whole,
                                   std::string late = "") {
  translate::Reply::CallStates states;
  states.tool_ids = std::move(ids);
  states.state = {std::move(whole), std::move(late)};
  return states;
}

std::string found(States& states, std::string_view tenant, std::string_view id,
                  TimePoint now = {}) {
  const auto state = states.find(tenant, id, now);
  return state ? state->whole : "-";
}

constexpr StateLimits kRoomy{1 << 20, std::chrono::hours(1)};

}  // namespace

TEST_CASE("states: by tenant and call; the calls of a reply share one state") {
  States states(kRoomy);
  CHECK(states.empty());
  states.keep("tenant-a", reply({"c1", "c2"}, "W", "L"), {});
  CHECK(found(states, "tenant-a", "c1") == "W");
  CHECK(states.find("tenant-a", "c1", {}) == states.find("tenant-a", "c2", {}));
  CHECK(states.find("tenant-a", "c2", {})->late == "L");
  CHECK(found(states, "tenant-b", "c1") == "-");
  CHECK(found(states, "tenant-a", "c3") == "-");
  CHECK(found(states, "tenant-a", std::string(100, 'x')) == "-");
}

TEST_CASE("states: forgotten an hour after the last use") {
  States states(kRoomy);
  const TimePoint start{};
  states.keep("t", reply({"used"}, "U"), start);
  states.keep("t", reply({"idle"}, "I"), start);
  CHECK(found(states, "t", "used", start + std::chrono::minutes(40)) == "U");
  CHECK(found(states, "t", "used", start + std::chrono::minutes(80)) == "U");
  CHECK(found(states, "t", "idle", start + std::chrono::minutes(80)) == "-");
  CHECK(found(states, "t", "used", start + std::chrono::minutes(140)) == "-");
  CHECK(states.empty());
  CHECK(states.bytes() == 0);
}

TEST_CASE("states: bounded in bytes, least recently used first") {
  States states({10'000, std::chrono::hours(1)});
  for (const char* id : {"a", "b", "c"})
    states.keep("t", reply({id}, std::string(2500, id[0])), {});
  CHECK(found(states, "t", "a") != "-");
  states.keep("t", reply({"d"}, std::string(2500, 'd')), {});
  CHECK(found(states, "t", "b") == "-");
  for (const char* id : {"a", "c", "d"}) CHECK(found(states, "t", id) != "-");
  CHECK(states.bytes() <= 10'000);
  states.keep("t", reply({"huge"}, std::string(20'000, 'h')), {});
  CHECK(found(states, "t", "huge") == "-");
  CHECK(found(states, "t", "a") != "-");
}

TEST_CASE("states: bounded in calls, an id that comes again belongs to the newer reply") {
  States states({1u << 30, std::chrono::hours(1)});
  states.keep("t", reply({"same"}, "old"), {});
  states.keep("t", reply({"same"}, "new"), {});
  for (std::size_t i = 0; i < kMostCalls; i += 100) {
    std::vector<std::string> ids;
    for (std::size_t k = 0; k < 100; ++k) ids.push_back(std::to_string(i + k));
    CHECK(found(states, "t", "same") == "new");
    states.keep("t", reply(std::move(ids), "x"), {});
  }
  CHECK(found(states, "t", "0") == "-");
  CHECK(found(states, "t", "100") == "x");
}

TEST_CASE("states: a size or life of zero switches it off") {
  for (const StateLimits limits :
       {StateLimits{0, std::chrono::hours(1)}, StateLimits{1000, Duration{0}}}) {
    States states(limits);
    CHECK(!states.enabled());
    states.keep("t", reply({"c"}, "W"), {});
    CHECK(states.empty());
  }
}

TEST_CASE("tenants: one per key, whatever the header, and never the key itself") {
  const std::string bearer = tenant_of({{"Authorization", "Bearer  secret-1"}});
  CHECK(bearer == tenant_of({{"x-api-key", "secret-1"}}));
  CHECK(bearer != tenant_of({{"x-api-key", "secret-2"}}));
  CHECK(bearer.find("secret") == std::string::npos);
  CHECK(tenant_of({}) == tenant_of({{"x-api-key", ""}, {"accept", "x"}}));
  CHECK(bearer != tenant_of({}));
  // A client with a name is the same with each of its keys, and nobody's key looks like its name.
  CHECK(tenant_of_client("ann") == tenant_of_client("ann"));
  CHECK(tenant_of_client("ann") != tenant_of_client("bob"));
  CHECK(tenant_of_client("ann") != tenant_of({{"x-api-key", "ann"}}));
}
