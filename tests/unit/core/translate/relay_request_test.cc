// The client's body on its way to a backend that speaks the Messages API: what changes and that
// nothing else does.
#include "core/translate/relay_request.h"

#include <doctest/doctest.h>

#include "core/translate/signature.h"
#include "core/wire/anthropic_request.h"
#include "core/wire/json_reader.h"

using namespace clasp;
using translate::relay_request;

namespace {

std::string relayed(std::string_view body, std::string_view model = "m") {
  const auto result = relay_request(body, model);
  if (!result) return "refused: " + result.error().message;
  CHECK(wire::is_valid_json(result->body));
  // What was treated once needs no treatment.
  CHECK(relay_request(result->body, model)->body == result->body);
  return result->body;
}

std::string own_thinking() {
  return R"({"type":"thinking","thinking":"t","signature":")" +
         translate::encode_signature({"openrouter", "0123abcd", "m", 'o', "[]"}) + "\"}";
}

const char* const kReal = R"({"type":"thinking","thinking":"t","signature":"EqQBCkYIARgC"})";

// One assistant turn with this content between two of the user.
std::string around(std::string_view content) {
  return R"({"model":"m","messages":[{"role":"user","content":"a"},{"role":"assistant","content":[)" +
         std::string(content) + R"(]},{"role":"user","content":"b"}]})";
}

// A tool loop whose first assistant turn has this content.
std::string loop(
    std::string_view content, std::string_view tail = "",
    std::string_view fields = R"("thinking":{"type":"enabled","budget_tokens":2000})") {
  return R"({"model":"m",)" + std::string(fields) +
         R"(,"messages":[{"role":"user","content":"q"},{"role":"assistant","content":[)" +
         std::string(content) +
         R"(]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"r"}]})" +
         std::string(tail) + "]}";
}
const std::string kCall = R"({"type":"tool_use","id":"t1","name":"n","input":{}})";

bool thinks(const std::string& body) {
  const auto result = relay_request(body, "m");
  REQUIRE(result);
  const auto thinking = wire::json_member(result->body, "thinking");
  const bool off = thinking && *thinking == R"({"type":"disabled"})";
  CHECK(result->thinking_disabled == off);
  return !off;
}

}  // namespace

TEST_CASE("§0.5: every byte but the model's name stays as it is") {
  const std::string body =
      "\r\n { \"messages\" : [ ] ,\t\"x\\u0079\":1.0e5, \"model\" : \"claude\" , \"a\":{\"model\":"
      "\"claude\"}, \"metadata\":{\"user_id\":\"\\ud83d\"}, \"n\":123456789012345678901234567890 "
      "}\n";
  std::string wanted = body;
  wanted.replace(wanted.find("\"claude\""), 8, "\"gpt \\\"x\\\"\"");
  CHECK(relayed(body, "gpt \"x\"") == wanted);
  CHECK(relayed(body, "claude") == body);
}

TEST_CASE("the model's name: escapes, the long context suffix, repeated names, nested members") {
  CHECK(relayed(R"({"model":"\u0063laude"})", "claude") == R"({"model":"\u0063laude"})");
  CHECK(relayed(R"({"m\u006fdel":"x"})", "y") == R"({"m\u006fdel":"y"})");
  CHECK(relayed(R"({"model":"claude[1m]"})", "claude") == R"({"model":"claude"})");
  CHECK(relayed(R"({"model":"claude"})", "other[1m]") == R"({"model":"other[1m]"})");
  CHECK(relayed(R"({"model":"a","model":"b"})", "c") == R"({"model":"c","model":"c"})");
  CHECK(relayed(R"({"model":null,"tools":[{"model":"a"}]})", "c") ==
        R"({"model":null,"tools":[{"model":"a"}]})");
}

TEST_CASE("§2.5.3: thinking signed here is cut out at every position, foreign thinking stays") {
  const std::string own = own_thinking(), text = R"({"type":"text","text":"x"})";
  const std::string real = kReal;
  CHECK(relayed(around(own + "," + text)) == around(text));
  CHECK(relayed(around(own + " , \n" + own + " ,  " + text)) == around(text));
  CHECK(relayed(around(text + ", " + own)) == around(text));
  CHECK(relayed(around(text + " , " + own + " , " + real)) == around(text + " , " + real));
  CHECK(relayed(around(real + "," + own + "," + own + "," + text)) == around(real + "," + text));
  CHECK(relayed(around(own + "," + text + "," + own)) == around(text));
  CHECK(relayed(around(real)) == around(real));
  const std::string redacted = R"({"type":"redacted_thinking","data":"clasp1.e30.a0309eb4"})";
  CHECK(relayed(around(redacted + "," + text)) == around(text));
  const std::string foreign = R"({"type":"redacted_thinking","data":"EmwKAhgB"})";
  CHECK(relayed(around(foreign)) == around(foreign));
}

TEST_CASE("thinking signed here is known by its mark, damaged, escaped or before its type") {
  const std::string text = R"({"type":"text","text":"x"})";
  for (const char* block : {R"({"type":"thinking","signature":"clasp1.damaged"})",
                            R"({"signature":"clasp1.x","thinking":"t","type":"thinking"})",
                            R"({"type":"thinking","signature":"cl\u0061sp1.x"})",
                            R"({"t\u0079pe":"th\u0069nking","signature":"clasp1.x"})",
                            R"({"type":"thinking","signature":"clasp1.x","signature":"real"})"})
    CHECK(relayed(around(std::string(block) + "," + text)) == around(text));
  for (
      const char* block :
      {R"({"type":"text","text":"clasp1.x"})",
       R"({"type":"tool_use","id":"t","name":"n","input":{"type":"thinking","signature":"clasp1.x"}})",
       R"({"type":"thinking","signature":"xclasp1."})",
       R"({"type":"new_kind","content":[{"type":"thinking","signature":"clasp1.x"}]})"})
    CHECK(relayed(around(block)) == around(block));
}

TEST_CASE("a message that had nothing else goes as a whole, since empty ones are refused") {
  const std::string own = own_thinking();
  CHECK(
      relayed(around(own + "," + own)) ==
      R"({"model":"m","messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]})");
  const std::string turn = R"({"role":"assistant","content":[)" + own + "]}";
  CHECK(relayed(R"({"model":"m","messages":[)" + turn + "," + turn + "]}") ==
        R"({"model":"m","messages":[]})");
  CHECK(relayed(R"({"model":"m","messages":[)" + turn + R"( ,{"role":"user","content":[]}]})") ==
        R"({"model":"m","messages":[{"role":"user","content":[]}]})");
}

TEST_CASE("citations and searches that were made here go too") {
  const auto text = [](const char* citations) {
    return around(std::string(R"({"type":"text","text":"x","citations":[)") + citations + "]}");
  };
  CHECK(relayed(text(R"({"encrypted_index":"clasp1.a"},{"encrypted_index":"Eo8"})")) ==
        text(R"({"encrypted_index":"Eo8"})"));
  CHECK(relayed(text(R"({"encrypted_index":"clasp1.a"})")) == text(""));
  const std::string other = R"({"type":"text","text":"x"})";
  CHECK(relayed(around(R"({"type":"server_tool_use","id":"srvtoolu_clasp1","name":"web_search"},)"
                       R"({"type":"web_search_tool_result","tool_use_id":"srvtoolu_clasp1"},)" +
                       other)) == around(other));
  const std::string real = R"({"type":"server_tool_use","id":"srvtoolu_01","name":"web_search"})";
  CHECK(relayed(around(real)) == around(real));
}

TEST_CASE("a summary that was made here goes on as text, Anthropic's stays") {
  const auto summary = [](const char* content, const char* signature) {
    return around(std::string(R"({"type":"compaction","content":)") + content +
                  R"(,"encrypted_content":null,"signature":)" + signature + "}");
  };
  CHECK(relayed(summary(R"("s \n\u00e4")", R"("clasp1.x")")) ==
        around(R"({"type":"text","text":"[Summary of the earlier conversation]\ns \n\u00e4"})"));
  const std::string real = summary(R"("s")", R"("EqQB")");
  CHECK(relayed(real) == real);
  const std::string failed = summary("null", "null");
  CHECK(relayed(failed) == failed);
  CHECK(relayed(summary("[]", R"("clasp1.x")")).find("compaction") == std::string::npos);
}

TEST_CASE("what is cut out as a whole is not edited inside") {
  const std::string text = R"({"type":"text","text":"x"})";
  const std::string cited = R"("citations":[{"encrypted_index":"clasp1.a"}])";
  CHECK(relayed(around(R"({"type":"thinking",)" + cited + R"(,"signature":"clasp1.x"},)" + text)) ==
        around(text));
  CHECK(relayed(around(text + R"(,{"type":"thinking","signature":"clasp1.x",)" + cited + "}")) ==
        around(text));
  CHECK(relayed(around(R"({"type":"compaction",)" + cited +
                       R"(,"content":"s","signature":"clasp1.x"})")) ==
        around(R"({"type":"text","text":"[Summary of the earlier conversation]\ns"})"));
}

TEST_CASE("§2.5.3: a running tool loop that lost its thinking runs without") {
  const std::string own = own_thinking(), real = kReal;
  CHECK_FALSE(thinks(loop(own + "," + kCall)));
  CHECK_FALSE(thinks(loop(own + "," + kCall, "", R"("thinking":{"type":"adaptive"})")));
  CHECK(relay_request(loop(kCall, "", R"("x":1)"), "m")->body == loop(kCall, "", R"("x":1)"));
  CHECK(thinks(loop(real + "," + kCall)));
  CHECK(thinks(loop(real + "," + own + "," + kCall)));
  CHECK(thinks(loop(kCall)));  // nothing was cut: it is the client's own business
  // An assistant's turn in two messages is one turn.
  const std::string split = R"(]},{"role":"assistant","content":[)";
  CHECK_FALSE(thinks(loop(own + split + kCall)));
  CHECK(thinks(loop(real + split + kCall)));
}

TEST_CASE("only the loop that is running counts") {
  const std::string own = own_thinking(), real = kReal;
  const std::string result =
      R"(,{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1"}]})";
  const auto turn = [](std::string_view content) {
    return R"(,{"role":"assistant","content":[)" + std::string(content) + "]}";
  };
  CHECK(thinks(loop(own + "," + kCall, R"(,{"role":"assistant","content":"done"})")));
  CHECK(thinks(loop(own + "," + kCall,
                    R"(,{"role":"assistant","content":"done"},{"role":"user","content":"next"})")));
  CHECK(thinks(loop(own + "," + kCall, turn(R"({"type":"text","text":"x"})") +
                                           R"(,{"role":"user","content":"n"})" +
                                           turn(real + "," + kCall) + result)));
  CHECK_FALSE(thinks(loop(real + "," + kCall, turn(own + "," + kCall) + result)));
  CHECK_FALSE(thinks(loop(own + "," + kCall, turn(real + "," + kCall) + result)));
  // A system turn in between, and text beside the result, belong to the loop.
  CHECK_FALSE(thinks(loop(own + "," + kCall, R"(,{"role":"system","content":"s"})")));
  CHECK_FALSE(thinks(loop(
      own + "," + kCall,
      turn(kCall) +
          R"(,{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1"},{"type":"text","text":"x"}]})")));
}

TEST_CASE("clearing of thinking goes with the thinking") {
  const std::string fields =
      R"("thinking":{"type":"adaptive"},"context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"} , {"type":"clear_tool_uses_20250919"}]})";
  CHECK(
      relayed(loop(own_thinking() + "," + kCall, "", fields)) ==
      loop(
          kCall, "",
          R"("thinking":{"type":"disabled"},"context_management":{"edits":[{"type":"clear_tool_uses_20250919"}]})"));
  const std::string last =
      R"("context_management":{"edits":[{"type":"x"},{"type":"clear_thinking_20251015"}]},"thinking":{"type":"enabled","budget_tokens":1},"thinking":{"type":"enabled"})";
  CHECK(
      relayed(loop(own_thinking() + "," + kCall, "", last)) ==
      loop(
          kCall, "",
          R"("context_management":{"edits":[{"type":"x"}]},"thinking":{"type":"disabled"},"thinking":{"type":"disabled"})"));
}

TEST_CASE("shapes are not judged, the grammar and the limits are") {
  for (
      const char* body :
      {R"({"model":"m","messages":"?"})", R"({"model":"m","messages":[1,null,[],{"content":3}]})",
       R"({"model":"m","messages":[{"role":"judge","content":[1,{"type":7},{"text":"no type"}]}]})",
       R"({"model":"m","messages":[],"thinking":{"type":"ultra"},"tool_choice":{"type":"new"}})",
       R"({"model":"m","context_management":{"edits":{}},"thinking":[],"citations":[]})"})
    CHECK(relayed(body) == body);
  for (const char* body :
       {"", "[]", "{", R"({"model":"m")", R"({"model":"m"} x)", R"({"messages":[{]})",
        R"({"model":"m","messages":[{"content":[{"type":}]}]})"})
    CHECK(relayed(body).starts_with("refused: The request body is not"));
  std::string many = R"({"model":"m","messages":[)";
  for (std::size_t i = 0; i <= wire::kMaxMessages; ++i) many.append(i == 0 ? "{}" : ",{}");
  CHECK(relayed(many + "]}").starts_with("refused: messages: too many messages"));
  std::string blocks;
  for (std::size_t i = 0; i <= wire::kMaxBlocks; ++i) blocks.append(i == 0 ? "{}" : ",{}");
  CHECK(relayed(around(blocks)) == "refused: messages: too many content blocks");
}
