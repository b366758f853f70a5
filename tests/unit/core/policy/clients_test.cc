// Who asks: keys in both headers, certificates, expiry, models.
#include "core/policy/clients.h"

#include <doctest/doctest.h>

using namespace clasp;
using namespace clasp::policy;

namespace {

config::ClientSettings client(const std::string& name, std::vector<std::string> keys) {
  config::ClientSettings one;
  one.name = name;
  for (const std::string& key : keys) one.key_hashes.push_back(sha256_hex(key));
  return one;
}

Clients make_clients() {
  config::AuthSettings auth;
  auth.enabled = true;
  auth.clients = {client("ann", {"key-of-ann", "new key of ann"}), client("bob", {"key-of-bob"})};
  auth.clients[1].expires = 1000;
  auth.clients[1].certificate = "bob.example";
  auth.clients.push_back(client("cat", {}));
  auth.clients[2].certificate = "cat.example";
  return Clients(auth);
}

// The client's name, or the error's words.
std::string who(const wire::Headers& headers, std::string_view certificate = {},
                std::int64_t now = 999) {
  const auto found = make_clients().identify(presented_keys(headers), certificate, now);
  if (found) return (*found)->name;
  CHECK(found.error().status == 401);
  CHECK(found.error().type == wire::ErrorType::authentication);
  return found.error().message;
}

}  // namespace

TEST_CASE("clients: a key in either header") {
  CHECK(who({{"x-api-key", "key-of-ann"}}) == "ann");
  CHECK(who({{"X-API-KEY", "  key-of-ann\t"}}) == "ann");
  for (const char* scheme : {"Bearer ", "bearer ", "BEARER   ", "Bearer\t"})
    CHECK(who({{"authorization", scheme + std::string("key-of-ann")}}) == "ann");
  CHECK(who({{"x-api-key", "new key of ann"}}) == "ann");  // rotation; blanks inside are kept
  CHECK(who({{"x-api-key", "key-of-bob"}}) == "bob");
}

TEST_CASE("clients: no key, an empty one, a wrong one") {
  const std::string none = "x-api-key header is required";
  CHECK(who({}) == none);
  CHECK(who({{"x-api-key", ""}}) == none);
  CHECK(who({{"x-api-key", "  "}, {"authorization", "Bearer"}}) == none);
  CHECK(who({{"authorization", "Bearer "}}) == none);
  CHECK(who({{"authorization", "key-of-ann"}}) == none);
  CHECK(who({{"authorization", "Bearerkey-of-ann"}}) == none);
  CHECK(who({{"authorization", "Basic a2V5LW9mLWFubg=="}}) == none);
  CHECK(who({{"api-key", "key-of-ann"}}) == none);
  for (const std::string& wrong :
       {std::string("key-of-an"), std::string("key-of-ann2"), std::string("KEY-OF-ANN"),
        sha256_hex("key-of-ann"), std::string(60'000, 'k'), std::string("new  key of ann")}) {
    CHECK(who({{"x-api-key", wrong}}) == "invalid x-api-key");
    CHECK(who({{"authorization", "Bearer " + wrong}}) == "Invalid bearer token");
  }
}

TEST_CASE("clients: two credentials in one request") {
  // Claude Code sends both when it was given both.
  CHECK(who({{"x-api-key", "sk-ant-real"}, {"authorization", "Bearer key-of-ann"}}) == "ann");
  CHECK(who({{"x-api-key", "key-of-ann"}, {"authorization", "Bearer sk-other"}}) == "ann");
  CHECK(who({{"x-api-key", "key-of-ann"}, {"authorization", "Bearer key-of-ann"}}) == "ann");
  CHECK(who({{"x-api-key", "key-of-ann"}, {"authorization", "Bearer new key of ann"}}) == "ann");
  CHECK(who({{"x-api-key", "key-of-ann"}, {"authorization", "Bearer key-of-bob"}}) ==
        "x-api-key and Authorization are keys of different clients");
  CHECK(who({{"x-api-key", "key-of-ann"}, {"authorization", "Bearer key-of-bob"}}, {}, 1000) ==
        "ann");
}

TEST_CASE("clients: a header that comes twice") {
  const std::string several = "the request has several keys in headers of one name";
  CHECK(who({{"x-api-key", "key-of-ann"}, {"X-Api-Key", "key-of-ann"}}) == "ann");
  CHECK(who({{"x-api-key", "key-of-ann"}, {"x-api-key", "wrong"}}) == several);
  CHECK(who({{"x-api-key", "wrong"}, {"x-api-key", "key-of-ann"}}) == several);
  CHECK(who({{"authorization", "Bearer key-of-ann"}, {"authorization", "bearer x"}}) == several);
}

TEST_CASE("clients: the second of expiry") {
  CHECK(who({{"x-api-key", "key-of-bob"}}, {}, 999) == "bob");
  CHECK(who({{"x-api-key", "key-of-bob"}}, {}, 1000) == "this API key has expired");
  CHECK(who({}, "bob.example", 999) == "bob");
  CHECK(who({}, "bob.example", 1000) == "this API key has expired");
}

TEST_CASE("clients: certificates stand for keys, and valid keys before them") {
  CHECK(who({}, "cat.example") == "cat");
  CHECK(who({}, "dog.example") == "x-api-key header is required");
  CHECK(who({{"x-api-key", "any"}}, "cat.example") == "cat");
  CHECK(who({{"x-api-key", "key-of-ann"}}, "cat.example") == "ann");
}

TEST_CASE("clients: models by the name that is asked for") {
  config::ClientSettings one;
  CHECK(may_ask_for(one, "anything"));
  one.models = {"claude-haiku-*", "gpt-?", "exact"};
  CHECK(may_ask_for(one, "Claude-Haiku-4-5"));
  CHECK(may_ask_for(one, "claude-haiku-4-5[1m]"));
  CHECK(may_ask_for(one, "gpt-5"));
  CHECK(may_ask_for(one, "exact[1m]"));
  CHECK_FALSE(may_ask_for(one, "gpt-5.1"));
  CHECK_FALSE(may_ask_for(one, "claude-haiku"));
  CHECK_FALSE(may_ask_for(one, "exactly"));
  CHECK_FALSE(may_ask_for(one, ""));
  const auto refusal = model_refusal("claude-opus-4");
  CHECK(refusal.status == 403);
  CHECK(refusal.type == wire::ErrorType::permission);
  CHECK(refusal.message == "your key does not allow the model claude-opus-4");
}

TEST_CASE("clients: the key that goes on is not the one that opens this door") {
  const config::ClientSettings ann = client("ann", {"ours"});
  const auto passed = [&](const wire::Headers& headers, const config::ClientSettings* known) {
    return std::string(key_to_pass(headers, known).reveal());
  };
  CHECK(passed({}, nullptr) == "");
  CHECK(passed({{"x-api-key", "a"}}, nullptr) == "a");
  CHECK(passed({{"authorization", "Bearer b"}}, nullptr) == "b");
  CHECK(passed({{"x-api-key", "a"}, {"authorization", "Bearer b"}}, nullptr) == "a");
  CHECK(passed({{"x-api-key", "ours"}, {"authorization", "Bearer b"}}, &ann) == "b");
  CHECK(passed({{"x-api-key", "a"}, {"authorization", "Bearer ours"}}, &ann) == "a");
  CHECK(passed({{"x-api-key", "ours"}}, &ann) == "ours");
  CHECK(passed({{"authorization", "Basic b"}}, nullptr) == "");
}
