#include "request_fixture.h"

using namespace clasp;
using namespace clasp::translate;

namespace {

std::int64_t estimate(const std::string& body) {
  const auto request = wire::parse_messages_request(body, true);
  REQUIRE(request);
  return estimate_tokens(*request);
}

std::string user_text(const std::string& text) {
  return chat(said("user", "\"" + text + "\""));
}

}  // namespace

TEST_CASE("text is counted by script") {
  CHECK(estimate(user_text(std::string(380, 'a'))) == 104);
  CHECK(estimate(user_text("a")) == 5);
  std::string cyrillic, han, emoji, escaped;
  for (int i = 0; i < 100; ++i) {
    cyrillic += "ж";
    han += "漢";
    emoji += "😀";
    escaped += "\\u6f22";
  }
  CHECK(estimate(user_text(cyrillic)) == 54);
  CHECK(estimate(user_text(han)) == 104);
  CHECK(estimate(user_text(emoji)) == 104);
  CHECK(estimate(user_text(escaped)) == 104);
  CHECK(estimate(user_text("\\ud83d\\ude00")) == 5);
}

TEST_CASE("vector 140, trap 39: counting needs no max_tokens") {
  CHECK(estimate(R"({"model":"m","messages":[{"role":"user","content":"a"}]})") > 0);
}

TEST_CASE("media is never counted as text") {
  const auto image = [](const std::string& data) {
    return estimate(chat(said(
        "user", R"([{"type":"image","source":{"type":"base64","media_type":"image/png","data":")" +
                    data + "\"}}]")));
  };
  CHECK(image(std::string(1'000'000, 'A')) == 1604);
  // A PNG of 300 by 200.
  CHECK(image("iVBORw0KGgoAAAANSUhEUgAAASwAAADICAYAAABS39xVAAAAAXNSR0IArs4c6Q==") == 4 + 80);
  CHECK(image("R0lGODlhLAHIAA==") == 4 + 80);                              // GIF
  CHECK(image("/9j/4AAQSkZJRgABAQAAAQABAAD/wAARCADIASwDASIA") == 4 + 80);  // JPEG
  CHECK(estimate(chat(said("user", R"([{"type":"image","source":{"type":"url","url":"u"}}])"))) ==
        1604);
  const std::string pdf = base64url_encode("%PDF /Type /Pages /Type /Page \n/Type/Page x");
  CHECK(estimate(chat(said("user", R"([{"type":"document","source":{"type":"base64","data":")" +
                                       pdf + "\"}}]"))) == 4004);
  CHECK(estimate(chat(said("assistant", R"([{"type":"thinking","thinking":"","signature":")" +
                                            std::string(9000, 'x') + "\"}]"))) == 4);
}

TEST_CASE("tools and nested results count") {
  const std::int64_t without = estimate(hi());
  const std::int64_t with = estimate(
      hi(R"("tools":[{"name":"t","description":"d","input_schema":{ "type" : "object" }}])"));
  CHECK(with - without == 308 + 5);
  const std::string body = chat(
      R"({"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"text","text":")" +
      std::string(380, 'a') + R"("},{"type":"image","source":{"type":"url","url":"u"}}]}]})");
  CHECK(estimate(body) == 1704);
  CHECK(
      estimate(chat(said(
          "user",
          R"([{"type":"tool_result","tool_use_id":"t","content":[{"type":"tool_result","content":[{"type":"text","text":")" +
              std::string(380, 'a') + R"("}]}]}])"))) == 104);
  CHECK(estimate(chat(said(
            "user",
            R"([{"type":"document","source":{"type":"content","content":[{"type":"text","text":")" +
                std::string(380, 'a') + R"("}]}}])"))) == 104);
}
