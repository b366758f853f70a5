#include "core/exchange/caching.h"

#include <doctest/doctest.h>

#include "base/sha256.h"

using namespace clasp;
using exchange::begin_caching;
using exchange::is_cacheable;
using exchange::is_kept_stop_reason;

namespace {

bool cacheable(const std::string& members, config::CacheSettings settings = {},
               bool relayed = false) {
  const std::string body = R"({"model":"m","messages":[{"role":"user","content":"hi"}],)" +
                           (members.empty() ? "" : members + ",") + R"("max_tokens":5})";
  const auto request = wire::parse_messages_request(body, false);
  CAPTURE(body);
  REQUIRE(request.has_value());
  return is_cacheable(*request, settings, relayed);
}

exchange::CatalogPtr catalog(bool per_client, bool pass_key = false) {
  config::Settings settings;
  settings.cache.enabled = true;
  settings.cache.per_client = per_client;
  config::BackendSettings backend;
  backend.name = "b";
  backend.provider = "custom";
  backend.dialect = "generic";
  backend.base_url = "http://b.test/v1";
  backend.pass_client_key = pass_key;
  settings.backends.push_back(backend);
  auto made = exchange::make_catalog(std::make_shared<const config::Settings>(settings));
  REQUIRE(made.has_value());
  return *made;
}

std::string client_of(exchange::RequestHead head, bool per_client = true) {
  return begin_caching(*catalog(per_client), head)->client;
}

exchange::RequestHead head_of(wire::Headers headers, std::string peer = "10.0.0.1:5") {
  exchange::RequestHead head;
  head.headers = std::move(headers);
  head.peer = std::move(peer);
  return head;
}

}  // namespace

TEST_CASE("caching: a temperature above 0 is not cached, however it is spelled") {
  for (const char* zero : {"0", "0.0", "-0", "0e5", "0.000E+7"})
    CHECK(cacheable(std::string("\"temperature\":") + zero));
  for (const char* above : {"1", "0.1", "0.0001", "1e-9", "10"})
    CHECK_FALSE(cacheable(std::string("\"temperature\":") + above));
}

TEST_CASE("caching: without a temperature it is a matter of the settings") {
  CHECK(cacheable(""));
  CHECK(cacheable("\"temperature\":null"));
  CHECK(cacheable(R"("thinking":{"type":"adaptive"})"));
  config::CacheSettings strict;
  strict.unset_temperature = false;
  CHECK_FALSE(cacheable("", strict));
  CHECK_FALSE(cacheable("\"temperature\":null", strict));
  CHECK(cacheable("\"temperature\":0", strict));
}

TEST_CASE("caching: streams where they are wanted, never those that are handed on") {
  CHECK_FALSE(cacheable("\"stream\":true"));
  config::CacheSettings streams;
  streams.streams = true;
  CHECK(cacheable("\"stream\":true", streams));
  CHECK_FALSE(cacheable("\"stream\":true", streams, true));
  CHECK(cacheable("", streams, true));
}

TEST_CASE("caching: not with tools that somebody else runs") {
  const auto tool = [](const std::string& type) {
    return cacheable(R"("tools":[{"type":")" + type + R"(","name":"x"}])");
  };
  CHECK(cacheable(R"("tools":[{"name":"a","input_schema":{"type":"object"}}])"));
  CHECK(tool("bash_20250124"));
  CHECK(tool("text_editor_20250728"));
  CHECK_FALSE(tool("web_search_20250305"));
  CHECK_FALSE(tool("web_fetch_20250910"));
  CHECK_FALSE(tool("code_execution_20250825"));
  CHECK_FALSE(tool("mcp_toolset"));
  CHECK_FALSE(cacheable(R"("mcp_servers":[{"type":"url","url":"http://a/","name":"a"}])"));
  CHECK_FALSE(cacheable(R"("container":"c")"));
}

TEST_CASE("caching: what asks for nothing is not cached") {
  const std::string body =
      R"({"model":"m","max_tokens":0,"messages":[{"role":"user","content":"hi"}]})";
  const auto request = wire::parse_messages_request(body, false);
  REQUIRE(request.has_value());
  CHECK_FALSE(is_cacheable(*request, {}, false));
}

TEST_CASE("caching: whole answers are kept") {
  for (const char* reason : {"end_turn", "tool_use", "stop_sequence", "max_tokens"})
    CHECK(is_kept_stop_reason(reason));
  for (const char* reason :
       {"refusal", "pause_turn", "compaction", "model_context_window_exceeded", "", "new"})
    CHECK_FALSE(is_kept_stop_reason(reason));
}

TEST_CASE("caching: what a client says in Cache-Control") {
  CHECK(begin_caching(*catalog(false), head_of({{"cache-control", "private, No-Store"}})) ==
        nullptr);
  CHECK(begin_caching(*catalog(false), head_of({{"cache-control", "max-age=0,no-cache"}}))->afresh);
  CHECK_FALSE(begin_caching(*catalog(false), head_of({{"cache-control", "no-storey"}}))->afresh);
}

TEST_CASE("caching: clients that are kept apart, by name, key and address") {
  CHECK(client_of(head_of({}), false).empty());
  const std::string one = client_of(head_of({{"x-api-key", "one"}}));
  CHECK(client_of(head_of({{"authorization", "Bearer one"}}, "10.0.0.2:1")) == one);
  CHECK(client_of(head_of({{"x-api-key", "two"}})) != one);
  CHECK(one.find("one") == std::string::npos);
  CHECK(client_of(head_of({})) == client_of(head_of({}, "10.0.0.1:6")));
  CHECK(client_of(head_of({})) != client_of(head_of({}, "10.0.0.2:5")));
  // Behind a proxy there may be no port to take off.
  CHECK(client_of(head_of({}, "[2001:db8::1]")) != client_of(head_of({}, "[2001:db8::2]")));
  CHECK(client_of(head_of({}, "[2001:db8::1]")) == client_of(head_of({}, "[2001:db8::1]:6")));
  exchange::RequestHead named = head_of({{"x-api-key", "one"}});
  auto team = std::make_shared<config::ClientSettings>();
  team->name = "team";
  named.client = team;
  CHECK(client_of(named) == "nteam");
}

TEST_CASE("caching: whose key pays is remembered only where keys are passed on") {
  const auto head = head_of({{"x-api-key", "one"}});
  CHECK(begin_caching(*catalog(false), head)->key_owner.empty());
  const std::string owner = begin_caching(*catalog(false, true), head)->key_owner;
  CHECK_FALSE(owner.empty());
  CHECK(begin_caching(*catalog(false, true), head_of({{"x-api-key", "two"}}))->key_owner != owner);
  // Two of one client's people, each with a key of their own at the backend.
  const auto with_bearer = [](const char* bearer) {
    exchange::RequestHead both = head_of({{"x-api-key", "door"}, {"authorization", bearer}});
    auto client = std::make_shared<config::ClientSettings>();
    client->key_hashes.push_back(sha256_hex("door"));
    both.client = client;
    return begin_caching(*catalog(false, true), both)->key_owner;
  };
  CHECK(with_bearer("Bearer a") != with_bearer("Bearer b"));
}
