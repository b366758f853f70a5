// The memory of tool lists: what comes out must be the same with it and without it.
#include "core/wire/tool_memory.h"

#include <doctest/doctest.h>

#include "core/wire/plain_spelling.h"

using namespace clasp::wire;

namespace {

std::string tool(int number, const std::string& more = "") {
  return R"({"name":"Tool)" + std::to_string(number) + R"(","description":"reads \"things\"\n)" +
         std::string(300, 'd') +
         R"(","input_schema":{"type":"object","properties":{"a":{"type":"string"}}})" + more + "}";
}

std::string list(int count, const std::string& more = "") {
  std::string out = "[";
  for (int i = 0; i < count; ++i) out += (i > 0 ? "," : "") + tool(i, i + 1 == count ? more : "");
  return out + "]";
}

std::string body(const std::string& tools, const std::string& before = "") {
  return R"({"model":"m","max_tokens":5,)" + before +
         R"("messages":[{"role":"user","content":"a"}],"tools":)" + tools + R"(,"stream":true})";
}

void check_same(const Tool& a, const Tool& b) {
  CHECK(a.type_raw == b.type_raw);
  CHECK(a.name_raw == b.name_raw);
  CHECK(a.description_raw == b.description_raw);
  CHECK(a.has_description == b.has_description);
  CHECK(a.schema_json == b.schema_json);
  CHECK(a.cache_control_json == b.cache_control_json);
  CHECK(a.examples_json == b.examples_json);
  CHECK(a.json == b.json);
  CHECK(a.strict == b.strict);
  CHECK(a.defer_loading == b.defer_loading);
}

// With this memory as without any; true when the list was known.
bool check_request(const std::string& text, ToolMemory& memory) {
  const auto plain = parse_messages_request(text, false);
  const std::size_t known = memory.size();
  const auto with = parse_messages_request(text, false, &memory);
  REQUIRE(plain.has_value() == with.has_value());
  if (!plain) {
    CHECK(plain.error().message == with.error().message);
    return false;
  }
  CHECK(plain->needless_escapes == with->needless_escapes);
  CHECK(plain->spaces == with->spaces);
  CHECK(plain->stream == with->stream);
  REQUIRE(plain->tools.size() == with->tools.size());
  for (std::size_t i = 0; i < plain->tools.size(); ++i) {
    check_same(plain->tools[i], with->tools[i]);
    // Views into this body, not into the one that is remembered.
    const char* at = with->tools[i].json.data();
    CHECK((at >= text.data() && at < text.data() + text.size()));
  }
  return with->tool_notes != nullptr && memory.size() == known;
}

}  // namespace

TEST_CASE("tool memory: a list that comes again gives the same tools") {
  ToolMemory memory;
  const std::string tools = list(5, R"(,"cache_control":{"type":"ephemeral"},"strict":true)");
  CHECK_FALSE(check_request(body(tools), memory));
  CHECK(memory.size() == 1);
  CHECK(check_request(body(tools), memory));
  // The conversation grows in front of it.
  CHECK(check_request(body(tools, R"("system":"another place",)"), memory));
  CHECK(memory.size() == 1);
}

TEST_CASE("tool memory: the notes belong to the list") {
  ToolMemory memory;
  const std::string text = body(list(3)), other = body(list(4));
  const auto first = parse_messages_request(text, false, &memory);
  const auto second = parse_messages_request(text, false, &memory);
  const auto third = parse_messages_request(other, false, &memory);
  REQUIRE((first && second && third));
  CHECK(first->tool_notes == second->tool_notes);
  CHECK(first->tool_notes != third->tool_notes);
}

TEST_CASE("tool memory: what only begins like a known list is read anew, and refused as ever") {
  ToolMemory memory;
  const std::string tools = list(5);
  check_request(body(tools), memory);
  const std::string open = tools.substr(0, tools.size() - 1);
  CHECK_FALSE(check_request(body(open + "," + tool(9) + "]"), memory));
  CHECK(memory.size() == 2);
  for (const std::string& broken :
       {open, open + ",]", tools + "]", tools + "x", tools.substr(0, tools.size() / 2),
        open + ",7]", open + R"(,{"name":7}])", tools + R"(,"max_tokens":"x")"}) {
    check_request(body(broken), memory);
    CHECK(memory.size() == 2);
  }
  // The last one of a repeated name counts, known or not.
  CHECK(check_request(body(R"([{"name":"a"}],"tools":)" + tools), memory));
  check_request(body(tools + R"(,"tools":null)"), memory);
  check_request(body(tools + R"(,"tools":[])"), memory);
}

TEST_CASE("tool memory: how a list is written is remembered with it") {
  ToolMemory memory;
  const std::string spaced = list(4, R"( , "defer_loading" : true)");
  const std::string escaped = list(4, R"(,"x":"a\/b")");
  for (int i = 0; i < 2; ++i) {
    check_request(body(spaced), memory);
    check_request(body(escaped), memory);
    check_request(body(list(4)), memory);
    // Elsewhere in the body, which is no matter of the list.
    check_request(body(list(4), R"("system":"a\/b", )"), memory);
    std::string plain;
    const auto request = parse_plain_request(body(escaped), false, plain, &memory);
    REQUIRE(request);
    CHECK(request->tools.size() == 4);
    CHECK(plain.find(R"("x":"a/b")") != std::string::npos);
  }
}

TEST_CASE("tool memory: it is bounded, and forgets what was not asked for longest") {
  ToolMemory memory;
  const auto known = [&memory](int count) { return memory.find(list(count)) != nullptr; };
  for (int count = 2; count < 40; ++count) check_request(body(list(count)), memory);
  CHECK(memory.size() == ToolMemory::kMostLists);
  CHECK(known(39));
  CHECK(known(32));
  CHECK_FALSE(known(31));
  check_request(body(list(32)), memory);
  check_request(body(list(50)), memory);
  CHECK(known(32));
  CHECK_FALSE(known(33));
  for (int count = 300; count < 320; ++count) check_request(body(list(count)), memory);
  CHECK(memory.bytes() <= ToolMemory::kMostBytes);
  CHECK(memory.size() < ToolMemory::kMostLists);
  // Too short, too long, too many.
  const std::size_t before = memory.size();
  check_request(body(R"([{"name":"a"}])"), memory);
  check_request(
      body("[" + tool(1, R"(,"x":")" + std::string(ToolMemory::kLongest, 'x') + "\"") + "]"),
      memory);
  std::string many = "[";
  for (std::size_t i = 0; i <= ToolMemory::kMostTools; ++i) many += R"({"name":"a"},)";
  check_request(body(many + R"({"name":"b"}])"), memory);
  CHECK(memory.size() == before);
}
