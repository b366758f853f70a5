// Plain answers: the vectors of the translation spec about replies.
#include <doctest/doctest.h>

#include "../../support/reply_kit.h"
#include "base/text.h"
#include "core/translate/signature.h"

using namespace clasp::test;
using clasp::translate::ReplyContext;
using clasp::wire::ErrorType;

namespace {

std::string completion(const std::string& message, const std::string& finish = "stop",
                       const std::string& usage = "") {
  return "{\"id\":\"chatcmpl-9\",\"object\":\"chat.completion\",\"choices\":[{\"index\":0,"
         "\"message\":{\"role\":\"assistant\"," +
         message + "},\"finish_reason\":\"" + finish + "\"}]" +
         (usage.empty() ? "" : ",\"usage\":" + usage) + "}";
}
std::string content(const std::string& text) {
  return "\"content\":\"" + text + "\"";
}
std::string tools(const std::string& list) {
  return "\"content\":null,\"tool_calls\":[" + list + "]";
}

struct Answer {
  Outcome out;
  Json message;
  explicit Answer(const std::string& body, ReplyContext context = make_context())
      : out(plain(std::move(context), body)), message(parse_json(out.sse)) {}
  json_t* get(const char* key) const { return json_object_get(message.get(), key); }
  std::string dump(const char* key) const { return dump_json(get(key)); }
  std::string stop() const { return json_text(get("stop_reason")); }
  std::size_t blocks() const { return json_array_size(get("content")); }
  json_t* block(std::size_t i) const { return json_array_get(get("content"), i); }
  std::string text(std::size_t i, const char* key = "text") const {
    return json_text(json_object_get(block(i), key));
  }
  std::string input(std::size_t i) const { return dump_json(json_object_get(block(i), "input")); }
  std::string usage(const char* key) const { return dump_json(json_object_get(get("usage"), key)); }
};

}  // namespace

TEST_CASE("vector 85, defect 15: cached tokens are not input") {
  const Answer a(
      completion(content("x"), "stop",
                 "{\"prompt_tokens\":100,\"completion_tokens\":7,\"prompt_tokens_details\":"
                 "{\"cached_tokens\":30,\"cache_write_tokens\":20}}"));
  CHECK(a.usage("input_tokens") == "50");
  CHECK(a.usage("cache_read_input_tokens") == "30");
  CHECK(a.usage("cache_creation_input_tokens") == "20");
  CHECK(a.usage("cache_creation") ==
        "{\"ephemeral_1h_input_tokens\":0,\"ephemeral_5m_input_tokens\":20}");
  const Answer deepseek(
      completion(content("x"), "stop",
                 "{\"prompt_tokens\":100,\"completion_tokens\":7,"
                 "\"prompt_cache_hit_tokens\":64,\"prompt_cache_miss_tokens\":36}"));
  CHECK(deepseek.usage("input_tokens") == "36");
  CHECK(deepseek.usage("cache_creation") == "null");
  const Answer moonshot(
      completion(content("x"), "stop",
                 "{\"prompt_tokens\":100,\"completion_tokens\":7,\"cached_tokens\":60}"));
  CHECK(moonshot.usage("cache_read_input_tokens") == "60");
}

TEST_CASE("usage: numbers that are none count as missing") {
  const Answer a(
      completion(content("hello"), "stop",
                 "{\"prompt_tokens\":-5,\"completion_tokens\":\"7\",\"total_tokens\":null}"));
  CHECK(a.out.usage.estimated);
  CHECK(a.usage("input_tokens") == "77");
  CHECK(a.usage("output_tokens") == "2");
  const Answer more(
      completion(content("x"), "stop",
                 "{\"prompt_tokens\":10,\"completion_tokens\":5,\"prompt_tokens_details\":"
                 "{\"cached_tokens\":50},\"completion_tokens_details\":{\"reasoning_tokens\":3}}"));
  CHECK(more.usage("input_tokens") == "0");
  CHECK(more.usage("cache_read_input_tokens") == "10");
  CHECK(more.usage("output_tokens_details") == "{\"thinking_tokens\":3}");
  const Answer groq(
      "{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}],"
      "\"x_groq\":{\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":2}}}");
  CHECK(groq.usage("input_tokens") == "4");
}

TEST_CASE("vector 86: xai leaves reasoning out of completion_tokens") {
  const std::string usage =
      "{\"prompt_tokens\":10,\"completion_tokens\":5,\"total_tokens\":40,"
      "\"completion_tokens_details\":{\"reasoning_tokens\":25}}";
  CHECK(
      Answer(completion(content("x"), "stop", usage), make_context("xai")).usage("output_tokens") ==
      "30");
  CHECK(Answer(completion(content("x"), "stop", usage)).usage("output_tokens") == "5");
}

TEST_CASE("vector 87: stop with calls is tool_use") {
  const Answer a(completion(tools(call(-1, "call_abc1", "read", "{\\\"a\\\":1}"))));
  CHECK(a.stop() == "tool_use");
  CHECK(dump_json(a.block(0), 0) ==
        "{\"type\":\"tool_use\",\"id\":\"call_abc1\",\"name\":\"read\",\"input\":{\"a\":1},"
        "\"caller\":{\"type\":\"direct\"}}");
}

TEST_CASE("vector 88: tool_calls without a call") {
  CHECK(Answer(completion(content("x"), "tool_calls")).stop() == "end_turn");
}

TEST_CASE("vector 89: nothing at all") {
  const Answer a(completion("\"content\":null"));
  CHECK(a.dump("content") == "[]");
  CHECK(a.stop() == "end_turn");
  CHECK(a.dump("stop_sequence") == "null");
  CHECK(a.dump("stop_details") == "null");
  CHECK(a.dump("container") == "null");
  CHECK(a.dump("diagnostics") == "null");
  CHECK(a.get("context_management") == nullptr);
}

TEST_CASE("vector 90: a refusal in its own member") {
  const Answer a(completion("\"content\":null,\"refusal\":\"no\""));
  CHECK(a.text(0) == "no");
  CHECK(a.stop() == "refusal");
  CHECK(a.dump("stop_details") ==
        "{\"category\":null,\"explanation\":\"no\",\"type\":\"refusal\"}");
  const Answer both(completion(content("well,") + ",\"refusal\":\"no\""));
  CHECK(both.blocks() == 2);
  CHECK(both.text(1) == "no");
}

TEST_CASE("vector 91: content_filter is a refusal, and hides finished calls") {
  const Answer a(completion(content("part"), "content_filter"));
  CHECK(a.stop() == "refusal");
  CHECK(a.dump("stop_details") == "{\"category\":null,\"explanation\":null,\"type\":\"refusal\"}");
  const Answer call_too(completion(tools(call(-1, "call_abc1", "read", "{}")), "content_filter"));
  CHECK(call_too.dump("content") == "[]");
  CHECK(call_too.stop() == "refusal");
}

TEST_CASE("vector 92: vllm names the stop sequence it met") {
  ReplyContext context = make_context("vllm");
  context.stop_sequences = {"END"};
  const auto body = [](const std::string& value) {
    return "{\"choices\":[{\"index\":0,\"message\":{\"content\":\"x\"},\"finish_reason\":\"stop\","
           "\"stop_reason\":" +
           value + "}]}";
  };
  const Answer named(body("\"END\""), context);
  CHECK(named.stop() == "stop_sequence");
  CHECK(named.dump("stop_sequence") == "\"END\"");
  CHECK(Answer(body("151645"), context).stop() == "end_turn");
  CHECK(Answer(body("\"other\""), context).stop() == "end_turn");
  const Answer native(
      "{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":\"stop\","
      "\"native_finish_reason\":\"stop_sequence\"}]}",
      context);
  CHECK(native.stop() == "stop_sequence");
  CHECK(native.dump("stop_sequence") == "null");
}

TEST_CASE("vector 93: the same reasoning under two names counts once") {
  const Answer a(completion("\"reasoning_content\":\"R\",\"reasoning\":\"R\"," + content("T")),
                 make_context("vllm"));
  CHECK(a.blocks() == 2);
  CHECK(a.text(0, "thinking") == "R");
  CHECK(a.text(0, "signature").size() > 10);
  CHECK(a.text(1) == "T");
}

TEST_CASE("vector 94: think tags") {
  const ReplyContext ollama = make_context("ollama");
  const Answer a(completion(content("<think>a</think>b")), ollama);
  CHECK(a.text(0, "thinking") == "a");
  CHECK(a.text(1) == "b");
  const Answer escaped(
      completion(content("\\n\\u003cthink\\u003e\\na\\n\\u003c/think\\u003e\\n\\nb")), ollama);
  CHECK(escaped.text(0, "thinking") == "a\n");
  CHECK(escaped.text(1) == "b");
  const Answer middle(completion(content("say <think>a</think>b")), ollama);
  CHECK(middle.blocks() == 1);
  CHECK(middle.text(0) == "say <think>a</think>b");
  const Answer open(completion(content("<think>never closed")), ollama);
  CHECK(open.blocks() == 1);
  CHECK(open.text(0, "thinking") == "never closed");
  const Answer off(completion(content("<think>a</think>b")), make_context("openai"));
  CHECK(off.text(0) == "<think>a</think>b");
  const Answer empty(completion(content("<think>\\n\\n</think>\\n\\nb")), ollama);
  CHECK(empty.blocks() == 1);
  CHECK(empty.text(0) == "b");
}

TEST_CASE("vector 95: mistral's content list") {
  const Answer a(
      completion("\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":"
                 "\"R1\"},{\"type\":\"text\",\"text\":\"R2\"}],\"closed\":true},{\"type\":\"text\","
                 "\"text\":\"T\"},{\"type\":\"reference\",\"reference_ids\":[1]},"
                 "{\"type\":\"text\",\"text\":\"U\"}]"),
      make_context("mistral"));
  CHECK(a.blocks() == 2);
  CHECK(a.text(0, "thinking") == "R1R2");
  CHECK(a.text(1) == "TU");
}

TEST_CASE("vector 96: two choices become one message") {
  const Answer a("{\"choices\":[{\"index\":1,\"message\":{\"tool_calls\":[" +
                 call(-1, "call_abc1", "read", "{}") +
                 "]},\"finish_reason\":\"tool_calls\"},"
                 "{\"index\":0,\"message\":{\"content\":\"T\"},\"finish_reason\":\"stop\"}]}");
  CHECK(a.blocks() == 2);
  CHECK(a.text(0) == "T");
  CHECK(a.text(1, "type") == "tool_use");
  CHECK(a.stop() == "tool_use");
}

TEST_CASE("vector 97: arguments in every shape") {
  const auto input = [](const std::string& arguments) {
    return Answer(completion(
                      "\"tool_calls\":[{\"id\":\"call_abc1\",\"type\":\"function\",\"function\":"
                      "{\"name\":\"read\",\"arguments\":" +
                      arguments + "}}]"))
        .input(0);
  };
  CHECK(input("\"\"") == "{}");
  CHECK(input("null") == "{}");
  CHECK(input("{\"a\":1}") == "{\"a\":1}");
  CHECK(input("\"\\\"{\\\\\\\"a\\\\\\\":1}\\\"\"") == "{\"a\":1}");
  CHECK(input("\"abc\"") == "{\"_raw_arguments\":\"abc\"}");
  CHECK(input("[1,2]") == "{\"_raw_arguments\":\"[1,2]\"}");
  CHECK(input("\"{\\\"a\\\": oops}\"") == "{\"_raw_arguments\":\"{\\\"a\\\": oops}\"}");
  CHECK(input("\"```json\\n{\\\"a\\\":1}\\n```\"") == "{\"a\":1}");
  CHECK(input("\"{'a': True,}\"") == "{\"a\":true}");
}

TEST_CASE("vector 98: an error in a 200 body") {
  const Answer a("{\"error\":{\"code\":429}}");
  REQUIRE(a.out.failed());
  CHECK(a.out.error.type == ErrorType::rate_limit);
  CHECK(a.out.error.status == 429);
  const Answer text("{\"error\":\"model crashed\"}");
  CHECK(text.out.error.message == "model crashed");
  CHECK(text.out.error.type == ErrorType::api);
}

TEST_CASE("a 200 body that is no completion") {
  CHECK(Answer("{\"choices\":[]}").out.error.message == "backend returned no choices");
  CHECK(Answer("{\"choices\":[]}").out.error.status == 502);
  CHECK(Answer("{\"id\":\"x\"}").out.error.message == "backend returned no choices");
  for (const char* list : {"[]", "[1,2]", "[[[[[[", "[{\"x\":1}]"})
    CHECK(Answer(list).out.error.status == 502);
  CHECK(Answer("<html>hello</html>").out.error.status == 502);
  CHECK(Answer("").out.error.status == 502);
  CHECK(Answer("{\"choices\":[{\"message\":{\"content\":\"x").out.error.status == 502);
  CHECK(Answer("{\"choices\":[{\"message\":{\"content\":\"x\"}}]} tail").out.error.status == 502);
  const Answer blocked("{\"promptFeedback\":{\"blockReason\":\"SAFETY\"},\"choices\":[]}");
  REQUIRE(blocked.out.done());
  CHECK(blocked.stop() == "refusal");
}

TEST_CASE("vector 100: url citations") {
  const std::string annotated = completion(
      content("See A and B. End") +
      ",\"annotations\":[{\"type\":\"url_citation\",\"url_citation\":{\"url\":\"http://a/\","
      "\"title\":\"A\",\"start_index\":4,\"end_index\":5}},{\"type\":\"url_citation\","
      "\"url_citation\":{\"url\":\"http://b/\",\"start_index\":10,\"end_index\":12,"
      "\"content\":\"cited\"}},{\"type\":\"file_citation\"}]");
  const Answer without(annotated);
  CHECK(without.blocks() == 1);
  CHECK(dump_json(json_object_get(without.block(0), "citations")) == "null");
  ReplyContext context = make_context();
  context.web_search = true;
  const Answer with(annotated, context);
  REQUIRE(with.blocks() == 5);
  CHECK(with.text(0) == "See A");
  CHECK(with.text(1) == " and B.");
  CHECK(with.text(2) == " End");
  const json_t* first = json_array_get(json_object_get(with.block(0), "citations"), 0);
  CHECK(json_text(json_object_get(first, "url")) == "http://a/");
  CHECK(json_text(json_object_get(first, "cited_text")) == "A");
  CHECK(json_text(json_object_get(first, "encrypted_index")).substr(0, 7) == "clasp1.");
  const json_t* second = json_array_get(json_object_get(with.block(1), "citations"), 0);
  CHECK(json_text(json_object_get(second, "cited_text")) == "cited");
  CHECK(dump_json(json_object_get(second, "title")) == "null");
  CHECK(dump_json(json_object_get(with.block(2), "citations")) == "null");
  // Where the answer comes from, for clients that look for results: each address once.
  CHECK(with.text(3, "type") == "server_tool_use");
  CHECK(with.text(3, "id").starts_with("srvtoolu_clasp"));
  CHECK(with.text(4, "tool_use_id") == with.text(3, "id"));
  const json_t* results = json_object_get(with.block(4), "content");
  REQUIRE(json_array_size(results) == 2);
  CHECK(json_text(json_object_get(json_array_get(results, 0), "title")) == "A");
  CHECK(json_text(json_object_get(json_array_get(results, 1), "title")) == "http://b/");
  CHECK(with.usage("server_tool_use") == "{\"web_fetch_requests\":0,\"web_search_requests\":1}");
  CHECK(without.usage("server_tool_use") == "null");
  const Answer wild(
      completion(content("ab") + ",\"annotations\":[{\"type\":\"url_citation\",\"url_citation\":"
                                 "{\"url\":\"u\",\"start_index\":90,\"end_index\":99}}]"),
      context);
  CHECK(wild.blocks() == 3);
  CHECK(json_array_size(json_object_get(wild.block(0), "citations")) == 1);
  // The members beside the type, as the Responses API has them.
  const Answer flat(
      completion(content("See A.") + R"(,"annotations":[{"type":"url_citation","start_index":4,)"
                                     R"("end_index":5,"title":"A","url":"http://a/"}])"),
      context);
  REQUIRE(flat.blocks() == 4);
  const json_t* beside = json_array_get(json_object_get(flat.block(0), "citations"), 0);
  CHECK(json_text(json_object_get(beside, "url")) == "http://a/");
  CHECK(json_text(json_object_get(beside, "title")) == "A");
  CHECK(json_text(json_object_get(beside, "cited_text")) == "A");
  const Answer list(
      "{\"citations\":[\"http://c/\"],\"choices\":[{\"message\":{\"content\":\"x\"},"
      "\"finish_reason\":\"stop\"}]}",
      context);
  CHECK(json_array_size(json_object_get(list.block(0), "citations")) == 1);
}

TEST_CASE("vector 101: id and model are ours") {
  const Answer a(completion(content("x")));
  CHECK(a.dump("id") == "\"msg_0123456789abcdefghijklmn\"");
  CHECK(a.dump("model") == "\"claude-test\"");
  FixedRandom random;
  CHECK(clasp::make_id(random, "msg_") != clasp::make_id(random, "msg_"));
}

TEST_CASE("vector 83: a decorated tool name") {
  const Answer a(completion(tools(call(-1, "call_abc1", "functions.read<|channel|>x", "{}"))));
  CHECK(a.text(0, "name") == "read");
}

TEST_CASE("tool names: declared ones are mapped back, others made harmless") {
  ReplyContext context = make_context();
  context.tools["computer__left_click"] = {"left_click", "computer"};
  context.tools["a_b_1234abcd"] = {"a.b", ""};
  const Answer a(completion(tools(call(-1, "call_abc1", "computer__left_click", "{}") + "," +
                                  call(-1, "call_abc2", "a_b_1234abcd", "{}") + "," +
                                  call(-1, "call_abc3", "un known!", "{}"))),
                 context);
  CHECK(a.text(0, "name") == "left_click");
  CHECK(a.text(0, "toolset_name") == "computer");
  CHECK(a.text(1, "name") == "a.b");
  CHECK(a.text(2, "name") == "un_known_");
}

TEST_CASE("tool ids to the client") {
  ReplyContext context = make_context();
  context.used_tool_ids.insert("call_seen");
  const auto id = [&context](const std::string& upstream) {
    return Answer(completion(tools(call(-1, upstream, "read", "{}"))), context).text(0, "id");
  };
  CHECK(id("call_Xy-9_z") == "call_Xy-9_z");
  for (const char* generic : {"0", "call_0", "17", "call_12", "call_seen", "functions.read:0"}) {
    const std::string given = id(generic);
    CAPTURE(given);
    CHECK(given.substr(0, 11) == "toolu_clasp");
    CHECK(clasp::base64url_decode(given.substr(11, given.size() - 18)) == std::string(generic));
  }
  CHECK(id("").substr(0, 6) == "toolu_");
  CHECK(id(std::string(31, 'a') + ".").size() == 30);
  const Answer twice(completion(tools(call(-1, "call_same", "read", "{}") +
                                      ",{\"index\":1,\"id\":\"call_same\","
                                      "\"function\":{\"name\":\"write\",\"arguments\":\"{}\"}}")));
  CHECK(twice.blocks() >= 1);
}

TEST_CASE("finish reasons of all servers") {
  const auto stop = [](const std::string& reason) {
    return Answer(completion(content("x"), reason)).stop();
  };
  CHECK(stop("length") == "max_tokens");
  CHECK(stop("MAX_TOKENS") == "max_tokens");
  CHECK(stop("SAFETY") == "refusal");
  CHECK(stop("eos") == "end_turn");
  CHECK(stop("completed") == "end_turn");
  CHECK(stop("something new") == "end_turn");
  CHECK(Answer(completion(content("x"), "error")).out.error.type == ErrorType::api);
  CHECK(Answer(completion(content("x"), "abort")).out.error.type == ErrorType::api);
  CHECK(Answer(completion(content("x"), "insufficient_system_resource")).out.error.status == 529);
  ReplyContext context = make_context();
  context.context_window = 100;
  CHECK(
      Answer(completion(content("x"), "length", "{\"prompt_tokens\":90,\"completion_tokens\":10}"),
             context)
          .stop() == "model_context_window_exceeded");
  const Answer null_finish(
      "{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":null}]}");
  CHECK(null_finish.stop() == "end_turn");
}

TEST_CASE("a plain answer's cut-off call is whole JSON, without the unfinished member") {
  const Answer a(completion(
      tools(call(-1, "call_abc1", "write", "{\\\"a\\\":[1,2],\\\"b\\\":\\\"tex")), "length"));
  CHECK(a.stop() == "max_tokens");
  CHECK(a.input(0) == "{\"a\":[1,2]}");
}

TEST_CASE("custom tools carry text") {
  const Answer a(
      completion("\"tool_calls\":[{\"id\":\"call_abc1\",\"type\":\"custom\",\"custom\":{\"name\":"
                 "\"read\",\"input\":\"a\\n\\\"b\\\"\"}}]"));
  CHECK(a.input(0) == "{\"input\":\"a\\n\\\"b\\\"\"}");
}

TEST_CASE("section 4.3: what was tolerated is noted, without content") {
  using Notes = std::vector<std::string>;
  const auto notes = [](const std::string& arguments) {
    return Answer(completion(tools("{\"id\":\"call_abc1\",\"function\":{\"name\":\"read\","
                                   "\"arguments\":" +
                                   arguments + "}}")))
        .out.notes;
  };
  CHECK(notes("\"{}\"") == Notes{});
  CHECK(notes("\"abc\"") == Notes{"tool input that is no JSON"});
  CHECK(notes("\"{} tail\"") == Notes{"bytes behind tool input"});
  CHECK(notes("\"{}  \"") == Notes{});
  CHECK(Answer(completion(content("x"), "tool_calls")).out.notes ==
        Notes{"tool_calls without a call"});
  CHECK(Answer(completion(content("x"), "odd")).out.notes == Notes{"unknown finish_reason"});
  CHECK(Answer(completion("\"images\":[{}]")).out.notes == Notes{"generated image left out"});
}

TEST_CASE("section 4.3: of several sources of reasoning the first counts") {
  const Answer a(completion(
      "\"reasoning_content\":\"R\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"R\"},"
      "{\"type\":\"text\",\"text\":\"x\"}]"));
  REQUIRE(a.blocks() == 2);
  CHECK(a.text(0, "thinking") == "R");
  CHECK(a.text(1) == "x");
}

TEST_CASE("section 4.6: of a counter under two names the larger one counts") {
  // Some gateways fill in one naming scheme and leave the other at nothing.
  const Answer a(completion(content("x"), "stop",
                            "{\"prompt_tokens\":40,\"completion_tokens\":7,\"input_tokens\":0,"
                            "\"output_tokens\":0,\"prompt_cache_hit_tokens\":8,"
                            "\"prompt_tokens_details\":{\"cached_tokens\":null}}"));
  CHECK(a.usage("input_tokens") == "32");
  CHECK(a.usage("cache_read_input_tokens") == "8");
  CHECK(a.usage("output_tokens") == "7");
}

TEST_CASE("section 4.6: searches are counted where a search was asked for") {
  const std::string body =
      completion(content("x"), "stop",
                 "{\"prompt_tokens\":1,\"completion_tokens\":1,\"server_tool_use\":"
                 "{\"web_search_requests\":2}}");
  CHECK(Answer(body).usage("server_tool_use") == "null");
  ReplyContext context = make_context("openrouter");
  context.web_search = true;
  CHECK(Answer(body, context).usage("server_tool_use") ==
        "{\"web_fetch_requests\":0,\"web_search_requests\":2}");
}

TEST_CASE("section 4.4: an error inside a choice is an error") {
  const Answer a(
      "{\"choices\":[{\"message\":{\"content\":\"half\"},\"finish_reason\":\"error\","
      "\"error\":{\"code\":429,\"message\":\"too fast\"}}]}");
  REQUIRE(a.out.failed());
  CHECK(a.out.error.type == ErrorType::rate_limit);
  CHECK(a.out.error.message == "too fast");
}

TEST_CASE("generated images leave a note") {
  const Answer a(completion(content("Here:") + ",\"images\":[{\"type\":\"image_url\"}]"));
  CHECK(a.text(0) == "Here:[image generated by the model, not transferable]");
}

TEST_CASE("the beta call gets context_management") {
  ReplyContext context = make_context();
  context.beta = true;
  CHECK(Answer(completion(content("x")), context).dump("context_management") == "null");
  context.context_management_json =
      R"({"applied_edits":[{"type":"clear_tool_uses_20250919","cleared_tool_uses":2,"cleared_input_tokens":9}]})";
  const std::string edits = dump_json(parse_json(context.context_management_json).get());
  CHECK(Answer(completion(content("x")), context).dump("context_management") == edits);
  const Outcome streamed = stream(context, frames({say("x"), finish("stop")}));
  Grammar grammar;
  CHECK(grammar.check_complete(streamed.sse) == "");
  CHECK(dump_json(json_object_get(grammar.message(), "context_management")) == edits);
}

TEST_CASE("the service tier is told in Anthropic's words") {
  const auto tier = [](const std::string& name) {
    return Answer("{\"service_tier\":\"" + name +
                  "\",\"choices\":[{\"message\":{\"content\":\"x\"},"
                  "\"finish_reason\":\"stop\"}]}")
        .usage("service_tier");
  };
  CHECK(tier("default") == "\"standard\"");
  CHECK(tier("priority") == "\"priority\"");
  CHECK(tier("fast") == "\"priority\"");
  // Section 4.6: clients know no other names.
  CHECK(tier("flex") == "\"standard\"");
  CHECK(tier("scale") == "\"standard\"");
}

TEST_CASE(
    "vector 11: thinking that is omitted goes into the signature, disabled thinking nowhere") {
  ReplyContext context = make_context("deepseek");
  context.thinking_omitted = true;
  const Answer omitted(completion("\"reasoning_content\":\"R\\u00e9\"," + content("T")), context);
  CHECK(omitted.text(0, "thinking") == "");
  const auto state = clasp::translate::decode_signature(omitted.text(0, "signature"));
  REQUIRE(state.has_value());
  CHECK(state->kind == 't');
  CHECK(dump_json(parse_json(state->state_json).get()) == "{\"text\":\"R\xC3\xA9\"}");
  context.thinking_omitted = false;
  context.thinking_disabled = true;
  const Answer disabled(completion("\"reasoning_content\":\"R\"," + content("T")), context);
  CHECK(disabled.blocks() == 1);
}

TEST_CASE("states for the secondary store") {
  ReplyContext context = make_context("deepseek");
  context.keep_states = true;
  const Answer a(
      completion("\"reasoning_content\":\"R\"," + tools(call(-1, "call_abc1", "read", "{}"))),
      context);
  CHECK(a.out.call_states.tool_ids == std::vector<std::string>{"call_abc1"});
  const auto state = clasp::translate::decode_signature(a.out.call_states.state.whole);
  CHECK(a.out.call_states.state.late.empty());
  REQUIRE(state.has_value());
  CHECK(state->state_json == "{\"text\":\"R\"}");
}

TEST_CASE("vector 150: JSON on a stream call, SSE on a plain call") {
  const std::string body =
      completion(content("Hi"), "stop", "{\"prompt_tokens\":10,\"completion_tokens\":5}");
  const Outcome streamed = document(make_context(), body);
  Grammar grammar;
  CHECK(grammar.check_complete(streamed.sse) == "");
  CHECK(grammar.blocks() == std::vector<std::string>{"text:Hi"});
  const Outcome mislabelled = stream(make_context(), body, 3);
  CHECK(mislabelled.sse == streamed.sse);
  const std::string sse = frames({say("Hi"), finish("stop"), usage_chunk(10, 5)});
  const Outcome whole = plain(make_context(), sse);
  REQUIRE(whole.done());
  CHECK(whole.sse == plain(make_context(), body).sse);
}

TEST_CASE("a Markdown fence around JSON that was asked for in words") {
  ReplyContext context = make_context();
  context.strip_fence = true;
  const auto text = [&context](const std::string& raw) {
    return Answer(completion(content(raw)), context).text(0);
  };
  CHECK(text("```json\\n{\\\"a\\\": 1}\\n```\\n") == "{\"a\": 1}");
  CHECK(text("{\\\"a\\\": 1}") == "{\"a\": 1}");
  CHECK(text("See:\\n```json\\n{}\\n```") == "See:\n```json\n{}\n```");
  CHECK(text("```\\na\\n```\\nb\\n```\\nc\\n```") == "```\na\n```\nb\n```\nc\n```");
  CHECK(Answer(completion(content("```\\n{}\\n```"))).text(0) == "```\n{}\n```");
}

TEST_CASE("§7.1: a plain answer whose backend has counted makes nobody estimate") {
  int counted = 0;
  ReplyContext context = make_context();
  context.input_estimate = clasp::translate::InputEstimate([&counted] { return ++counted + 76; });
  const Answer told(
      completion(content("x"), "stop", "{\"prompt_tokens\":100,\"completion_tokens\":7}"), context);
  CHECK(told.usage("input_tokens") == "100");
  CHECK(counted == 0);
  const Answer silent(completion(content("x")), context);
  CHECK(silent.usage("input_tokens") == "77");
  CHECK(silent.out.usage.estimated);
  CHECK(counted == 1);  // and that once, whoever asks
}

TEST_CASE("§7.1: a stream begins with an estimate, counted once") {
  int counted = 0;
  ReplyContext context = make_context();
  context.input_estimate = clasp::translate::InputEstimate([&counted] { return ++counted + 76; });
  const Outcome out = stream(std::move(context),
                             "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},"
                             "\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n");
  CHECK(out.sse.find("\"input_tokens\":77") != std::string::npos);
  CHECK(out.usage.input_tokens == 77);
  CHECK(counted == 1);
}
