#include "core/exchange/repairs.h"

#include <doctest/doctest.h>

#include "core/translate/api_choice.h"

using namespace clasp;
using namespace clasp::exchange;
using translate::find_dialect;

namespace {

const std::string kCap = R"({"error":{"message":"Unsupported parameter: 'max_tokens'","param":)"
                         R"("max_tokens"}})";
const std::string kTopK = R"({"error":{"message":"unknown field top_k"}})";
const std::string kFitted =
    R"j({"error":{"message":"maximum context length is 8192 tokens, you requested 10000 )j"
    R"j((2000 in the messages, 8000 in the completion)"}})j";

const translate::Dialect kResponsesRow = translate::responses_dialect(*find_dialect("openai"));

Repairs begun(const char* dialect = "vllm", AdaptedPtr known = nullptr) {
  Repairs repairs;
  repairs.begin(*find_dialect(dialect), kResponsesRow, std::move(known));
  return repairs;
}

}  // namespace

TEST_CASE("section 6.5: what was taken is told once") {
  Repairs repairs = begun();
  CHECK(repairs.take_settled() == nullptr);
  REQUIRE(repairs.learn(400, kCap));
  CHECK(repairs.take_settled() == nullptr);
  repairs.settle();
  const AdaptedPtr told = repairs.take_settled();
  REQUIRE(told);
  CHECK(told->dialect.cap == translate::CapField::max_completion_tokens);
  repairs.settle();
  CHECK(repairs.take_settled() == nullptr);
  CHECK(repairs.render() == "1");
}

TEST_CASE("section 6.5: a refusal about something else proves the lesson before it") {
  Repairs repairs = begun();
  REQUIRE(repairs.learn(400, kCap));
  REQUIRE(repairs.learn(400, kTopK));
  const AdaptedPtr told = repairs.take_settled();
  REQUIRE(told);
  CHECK(told->dialect.cap == translate::CapField::max_completion_tokens);
  CHECK(told->dialect.top_k);  // not proved yet
  // The same again proves nothing.
  CHECK_FALSE(repairs.learn(400, kTopK));
  CHECK(repairs.take_settled() == nullptr);
}

TEST_CASE("section 6.5: a cap fitted to one prompt spoils no other lesson") {
  Repairs repairs = begun();
  REQUIRE(repairs.learn(400, kFitted));
  REQUIRE(repairs.learn(400, kTopK));
  CHECK(repairs.adapted()->adjustments.max_output == 8192 - 2000 - 16);
  repairs.settle();
  const AdaptedPtr told = repairs.take_settled();
  REQUIRE(told);
  CHECK_FALSE(told->dialect.top_k);
  CHECK(told->adjustments.max_output == 0);
}

TEST_CASE("section 6.5: three different lessons at most, asking again is none of them") {
  Repairs repairs = begun();
  const auto unknown = [](const char* name) {
    return "{\"error\":{\"message\":\"Unknown parameter: '" + std::string(name) + "'\"}}";
  };
  REQUIRE(repairs.learn(400, R"({"error":{"message":"x","code":"tool_use_failed"}})"));
  CHECK_FALSE(repairs.learn(400, R"({"error":{"message":"x","code":"tool_use_failed"}})"));
  CHECK(repairs.learn(400, unknown("safety_identifier")));
  CHECK(repairs.learn(400, unknown("prompt_cache_key")));
  CHECK(repairs.learn(400, unknown("user")));
  CHECK_FALSE(repairs.learn(400, unknown("store")));
  CHECK(repairs.render() == "again, 16 safety_identifier, 16 prompt_cache_key, 16 user");
}

TEST_CASE("section 6.5: lessons build on those of earlier requests; another address has none") {
  auto known = std::make_shared<Adapted>(Adapted{*find_dialect("vllm"), {}});
  known->adjustments.drop_fields = {"user"};
  Repairs repairs = begun("vllm", known);
  CHECK(repairs.adapted() == known);
  REQUIRE(repairs.learn(400, kTopK));
  repairs.settle();
  CHECK(repairs.take_settled()->adjustments.drop_fields.size() == 1);
  Backend one, other;
  one.settings.name = other.settings.name = "b";
  one.base_url_hash = "11111111";
  other.base_url_hash = "22222222";
  CHECK(lesson_key(one) != lesson_key(other));
}
