// Every field of a request that must, or must not, change the name under which its answer is kept.
#include "core/exchange/cache_key.h"

#include <doctest/doctest.h>

#include <set>

using namespace clasp;
using exchange::CacheKeyFacts;
using exchange::make_cache_key;
using exchange::make_cache_scope;

namespace {

CacheKeyFacts some_facts() {
  CacheKeyFacts facts;
  facts.scope = "scope";
  facts.model = "gpt";
  facts.anthropic_version = "2023-06-01";
  return facts;
}

policy::CacheKey key_of(const std::string& body, const CacheKeyFacts& facts = some_facts()) {
  const auto request = wire::parse_messages_request(body, false);
  CAPTURE(body);
  REQUIRE(request.has_value());
  const auto key = make_cache_key(body, *request, facts);
  REQUIRE(key.has_value());
  return *key;
}

const std::string kMessages = R"("messages":[{"role":"user","content":"hi"}])";
const std::string kPlain = R"({"model":"m","max_tokens":5,)" + kMessages + "}";

std::string with(const std::string& members) {
  return R"({"model":"m","max_tokens":5,)" + kMessages + "," + members + "}";
}

std::string billed(const std::string& line, const std::string& rest = "\\nYou are Claude") {
  return with(R"("system":[{"type":"text","text":"x-anthropic-billing-header: )" + line + rest +
              R"("},{"type":"text","text":"two"}])");
}

}  // namespace

TEST_CASE("cache key, defect 16: what changes the answer changes the key") {
  const std::vector<std::string> bodies = {
      kPlain,
      R"({"model":"m2","max_tokens":5,)" + kMessages + "}",
      R"({"model":"m","max_tokens":6,)" + kMessages + "}",
      R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":"hi "}]})",
      R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":"Hi"}]})",
      R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":[{"type":"text","text":"hi"}]}]})",
      R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":"hi"},{"role":"assistant","content":"a"},{"role":"user","content":"hi"}]})",
      R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"http://a/"}}]}]})",
      R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"http://b/"}}]}]})",
      with(R"("temperature":0)"),
      with(R"("temperature":0.0)"),
      with(R"("top_p":0.5)"),
      with(R"("top_p":0.6)"),
      with(R"("top_k":1)"),
      with(R"("stop_sequences":["a"])"),
      with(R"("stop_sequences":["a","b"])"),
      with(R"("stop_sequences":["ab"])"),
      with(R"("system":"s")"),
      with(R"("system":"t")"),
      with(R"("system":[{"type":"text","text":"s"}])"),
      with(R"("tools":[{"name":"a","input_schema":{"type":"object"}}])"),
      with(R"("tools":[{"name":"b","input_schema":{"type":"object"}}])"),
      with(R"("tools":[{"name":"a","description":"d","input_schema":{"type":"object"}}])"),
      with(R"("tools":[{"name":"a","input_schema":{"type":"object","properties":{}}}])"),
      with(
          R"("tools":[{"name":"a","input_schema":{"type":"object"}}],"tool_choice":{"type":"any"})"),
      with(
          R"("tools":[{"name":"a","input_schema":{"type":"object"}}],"tool_choice":{"type":"none"})"),
      with(
          R"("tools":[{"name":"a","input_schema":{"type":"object"}}],"tool_choice":{"type":"auto","disable_parallel_tool_use":true})"),
      with(R"("thinking":{"type":"enabled","budget_tokens":1024})"),
      with(R"("thinking":{"type":"enabled","budget_tokens":2048})"),
      with(R"("thinking":{"type":"adaptive","display":"omitted"})"),
      with(R"("thinking":{"type":"disabled"})"),
      with(R"("output_config":{"effort":"low"})"),
      with(R"("output_config":{"effort":"high"})"),
      with(R"("output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}})"),
      with(R"("service_tier":"auto")"),
      with(R"("service_tier":"standard_only")"),
      with(R"("speed":"fast")"),
      with(R"("inference_geo":"us")"),
      with(R"("context_management":{"edits":[]})"),
      with(R"("cache_control":{"type":"ephemeral"})"),
      with(R"("container":"c")"),
      with(R"("mcp_servers":[{"type":"url","url":"http://a/","name":"a"}])"),
      with(R"("metadata":{"other":"a"})"),
      with(R"("a_new_field":1)"),
      with(R"("a_new_field":2)"),
  };
  std::set<std::array<unsigned char, 32>> keys;
  for (const std::string& body : bodies) {
    CAPTURE(body);
    CHECK(keys.insert(key_of(body).bytes).second);
    CHECK(key_of(body) == key_of(body));
  }
}

TEST_CASE("cache key: backend, model, versions, betas and the client change the key") {
  std::set<std::array<unsigned char, 32>> keys;
  const auto fresh = [&keys](auto change) {
    CacheKeyFacts facts = some_facts();
    change(facts);
    return keys.insert(key_of(kPlain, facts).bytes).second;
  };
  CHECK(fresh([](auto&) {}));
  CHECK(fresh([](auto& f) { f.scope = "other"; }));
  CHECK(fresh([](auto& f) { f.model = "gpt2"; }));
  CHECK(fresh([](auto& f) { f.geo_served = true; }));
  CHECK(fresh([](auto& f) { f.relayed = true; }));
  CHECK(fresh([](auto& f) { f.anthropic_version = "x"; }));
  CHECK(fresh([](auto& f) { f.anthropic_beta = "x"; }));
  CHECK(fresh([](auto& f) { f.anthropic_beta = "x,y"; }));
  CHECK(fresh([](auto& f) { f.beta_query = true; }));
  CHECK(fresh([](auto& f) { f.client = "a"; }));
  CHECK(fresh([](auto& f) { f.client = "b"; }));
  // What stands in one field cannot be moved to the next.
  CHECK(fresh([](auto& f) { f.model = "gpt2023-06-01", f.anthropic_version = ""; }));
  CHECK(fresh([](auto& f) { f.model = "gpt10:2023-06-01", f.anthropic_version = ""; }));
}

TEST_CASE("cache key: what does not change the answer does not change the key") {
  const auto key = key_of(kPlain);
  CHECK(key_of(with(R"("stream":true)")) == key);
  CHECK(key_of(with(R"("stream":false)")) == key);
  CHECK(key_of(R"( { "model" : "m", "max_tokens":5 ,"messages" : [ {"role":"user",)"
               "\n\t\"content\":\"hi\" } ]\r\n} ") == key);
  CHECK(key_of("{" + kMessages + R"(,"max_tokens":5,"model":"m"})") == key);
  const auto user = key_of(with(R"("metadata":{"user_id":"a"})"));
  CHECK(key_of(with(R"("metadata":{"user_id":"somebody else"})")) == user);
  CHECK(key_of(with(R"("metadata": { "user_id" : "b" })")) == user);
  CHECK(key_of(with(R"("metadata":{"user_id":"a","other":1})")) != user);
}

TEST_CASE("cache key: where clients are kept apart the user counts too") {
  CacheKeyFacts facts = some_facts();
  facts.client = "c";
  CHECK(key_of(with(R"("metadata":{"user_id":"a"})"), facts) !=
        key_of(with(R"("metadata":{"user_id":"b"})"), facts));
}

TEST_CASE("cache key: white space inside of strings counts") {
  CHECK(key_of(R"({"model":"m","max_tokens":5, "messages":[{"role":"user","content":"a b"}]})") !=
        key_of(R"({"model":"m","max_tokens":5, "messages":[{"role":"user","content":"ab"}]})"));
  CHECK(key_of(R"({"model":"m","max_tokens":5, "messages":[{"role":"user","content":"\" a"}]})") !=
        key_of(R"({"model":"m","max_tokens":5, "messages":[{"role":"user","content":"\"a"}]})"));
}

// What a member repeats: the last one counts, so the order of the same name must.
TEST_CASE("cache key: repeated members keep their order") {
  CHECK(key_of(with(R"("temperature":0,"temperature":1)")) !=
        key_of(with(R"("temperature":1,"temperature":0)")));
}

TEST_CASE("cache key: the billing line does not count (trap 29)") {
  CHECK(key_of(billed("cc_version=2.1; cch=5f1b2;")) == key_of(billed("cc_version=2.2; cch=1;")));
  CHECK(key_of(billed("cch=1;", "")) == key_of(billed("cch=2;", "")));
  // What stands behind it does.
  CHECK(key_of(billed("cch=1;", "\\na")) != key_of(billed("cch=1;", "\\nb")));
  CHECK(key_of(billed("cch=1;")) != key_of(billed("cch=1;", "")));
  // Elsewhere it is text like every other.
  const auto said = [](const std::string& text) {
    return key_of(R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":")" + text +
                  R"("}]})");
  };
  CHECK(said("x-anthropic-billing-header: cch=1") != said("x-anthropic-billing-header: cch=2"));
}

TEST_CASE("cache key: of a relayed billing line only its short hexadecimal nonce does not count") {
  CacheKeyFacts facts = some_facts();
  facts.relayed = true;
  CHECK(key_of(billed("v=1; cch=5f1b2;"), facts) == key_of(billed("v=1; cch=00;"), facts));
  CHECK(key_of(billed("v=1; cch=1;"), facts) != key_of(billed("v=2; cch=1;"), facts));
  CHECK(key_of(billed("cch=say banana;"), facts) != key_of(billed("cch=say apple;"), facts));
  const std::string a(65, 'a'), b(65, 'b');
  CHECK(key_of(billed("cch=" + a), facts) != key_of(billed("cch=" + b), facts));
}

TEST_CASE("cache key: large bodies, odd names and deep values") {
  const std::string text(200'000, 'x');
  const auto big = [&](const std::string& end) {
    return key_of(R"({"model":"m","max_tokens":5,"messages":[{"role":"user","content":")" + text +
                  end + R"("}]})");
  };
  CHECK(big("a") != big("b"));
  CHECK(key_of(with(R"("a\"b":{"c":[1,{"d":"}"}]})")) !=
        key_of(with(R"("a\"b":{"c":[1,{"d":"]"}]})")));
  CHECK(key_of(with(R"("\u0073tream2":1)")) != key_of(kPlain));
}

TEST_CASE("cache scope: what the configuration says about translation, and nothing else") {
  config::Settings settings;
  config::BackendSettings backend;
  backend.name = "b";
  std::set<std::string> scopes;
  const auto fresh = [&](auto change) {
    config::Settings all = settings;
    config::BackendSettings one = backend;
    change(all, one);
    return scopes.insert(make_cache_scope(all, one)).second;
  };
  CHECK(fresh([](auto&, auto&) {}));
  CHECK(make_cache_scope(settings, backend).size() == 32);
  CHECK(fresh([](auto&, auto& b) { b.name = "c"; }));
  CHECK(fresh([](auto&, auto& b) { b.provider = "custom"; }));
  CHECK(fresh([](auto&, auto& b) { b.dialect = "vllm"; }));
  CHECK(fresh([](auto&, auto& b) { b.base_url = "http://a/"; }));
  CHECK(fresh([](auto&, auto& b) { b.azure_deployment = "d"; }));
  CHECK(fresh([](auto&, auto& b) { b.azure_api_version = "v"; }));
  CHECK(fresh([](auto&, auto& b) { b.extra_headers["a"] = "b"; }));
  CHECK(fresh([](auto&, auto& b) { b.flags["a"] = "b"; }));
  CHECK(fresh([](auto&, auto& b) { b.body["a"] = "b"; }));
  CHECK(fresh([](auto&, auto& b) { b.context_window = 5; }));
  CHECK(fresh([](auto& s, auto&) { s.strict = true; }));
  CHECK(fresh([](auto& s, auto&) { s.translation.hidden_allowance = false; }));
  CHECK(fresh([](auto& s, auto&) { s.translation.fast_tier = true; }));
  CHECK(fresh([](auto& s, auto&) { s.translation.long_cache = true; }));
  CHECK(fresh([](auto& s, auto&) { s.translation.policy_as_error = true; }));
  CHECK(fresh([](auto& s, auto&) { s.translation.geo_enforce = true; }));
  CHECK(fresh([](auto& s, auto&) { s.media.fetch_remote = true; }));
  CHECK(fresh([](auto& s, auto&) { s.media.pdf_text = false; }));
  const auto rule = [](auto change) {
    return [change](config::Settings& s, config::BackendSettings&) {
      change(s.models.rules.emplace_back());
    };
  };
  CHECK(fresh(rule([](auto& r) { r.pattern = "a*"; })));
  CHECK(fresh(rule([](auto& r) { r.backend = "b"; })));
  CHECK(fresh(rule([](auto& r) { r.max_output = 1; })));
  CHECK(fresh(rule([](auto& r) { r.context_window = 1; })));
  CHECK(fresh(rule([](auto& r) { r.vision = false; })));
  CHECK(fresh(rule([](auto& r) { r.vision = true; })));
  CHECK(fresh(rule([](auto& r) { r.flags["f"] = "1"; })));
  CHECK(fresh(rule([](auto& r) { r.body["f"] = "1"; })));
  // Another key, limit or time-out says nothing about answers.
  CHECK_FALSE(fresh([](auto&, auto& b) { b.api_key = Secret("k"); }));
  CHECK_FALSE(fresh([](auto&, auto& b) { b.max_concurrency = 3; }));
  CHECK_FALSE(fresh([](auto& s, auto&) { s.timeouts.total_ms = 3; }));
  CHECK_FALSE(fresh([](auto& s, auto&) { s.cache.max_size = 3; }));
}
