// Translating a request in a test: the client's JSON in, the backend's JSON out, looked at by path.
#pragma once

#include <doctest/doctest.h>
#include <jansson.h>

#include <algorithm>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "core/translate/api_choice.h"
#include "core/translate/request.h"

namespace clasp::translate {

struct Setup {
  std::string dialect = "openai";
  std::string model = {};  // empty: one without a family of its own, gpt-4o for OpenAI
  bool strict = false;
  bool vision = true;
  std::string version = {};
  std::string session = {};
  std::string beta = {};  // anthropic-beta
  std::vector<std::pair<std::string, std::string>> flags = {};
  std::string backend = "b0b0b0b0";
  const ReplaySource* replay = nullptr;
  const Adjustments* adjustments = nullptr;
  std::int64_t context_window = 0;
  std::int64_t max_output = 0;
  bool geo_served = false;
  bool geo_enforce = false;
  std::vector<ExtraMember> extra = {};
  Api api = Api::chat;
};

struct Translated {
  std::string body;
  TranslatedRequest request;
  std::shared_ptr<json_t> json;

  // The value at "messages.0.content" as compact JSON, "" when there is none.
  std::string at(std::string_view path) const {
    const json_t* value = json.get();
    for (std::string_view step : split(path, '.')) {
      if (json_is_array(value)) {
        value = json_array_get(value, parse_unsigned(step).value_or(1'000'000));
      } else {
        value = json_object_get(value, std::string(step).c_str());
      }
    }
    if (value == nullptr) return "";
    char* text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    std::string out = text;
    free(text);
    return out;
  }
  // The string at the path, "?" when it is none.
  std::string text(std::string_view path) const {
    const std::string found = at(path);
    if (found.size() < 2 || found.front() != '"') return "?" + found;
    return decode_json_string(std::string_view(found).substr(1, found.size() - 2));
  }
  std::size_t size(std::string_view path) const {
    std::size_t n = 0;
    while (!at(std::string(path) + "." + std::to_string(n)).empty()) ++n;
    return n;
  }
  bool warned(std::string_view token) const {
    return std::find(request.warnings.begin(), request.warnings.end(), token) !=
           request.warnings.end();
  }
};

inline Result<TranslatedRequest, wire::ApiError> try_translate(const std::string& body,
                                                               const Setup& setup = {}) {
  auto parsed = wire::parse_messages_request(body, false);
  if (!parsed) return tl::unexpected<wire::ApiError>(parsed.error());
  const Dialect* row = find_dialect(setup.dialect);
  REQUIRE(row != nullptr);
  Dialect dialect = setup.api == Api::chat ? *row : responses_dialect(*row);
  for (const auto& [key, value] : setup.flags) REQUIRE(set_dialect_flag(dialect, key, value));
  Target target;
  target.dialect = &dialect;
  target.api = setup.api;
  target.model = setup.model;
  if (setup.model.empty()) target.model = dialect.openai_families ? "gpt-4o" : "some-model";
  target.base_url_hash = setup.backend;
  target.strict = setup.strict;
  target.context_window = setup.context_window;
  target.max_output = setup.max_output;
  target.geo_served = setup.geo_served;
  target.geo_enforce = setup.geo_enforce;
  target.extra_body = &setup.extra;
  target.vision = setup.vision;
  target.adjustments = setup.adjustments;
  RequestFacts facts;
  facts.anthropic_version = setup.version;
  facts.session_id = setup.session;
  facts.anthropic_beta = setup.beta;
  facts.replay = setup.replay;
  auto result = translate_request(*parsed, target, facts);
  if (!result) return result;
  // The copy above dies here, and so does the request that the estimate looks at.
  result->reply.dialect = row;
  result->reply.input_estimate.tokens();
  return result;
}

inline Translated ask(const std::string& body, const Setup& setup = {}) {
  auto result = try_translate(body, setup);
  if (!result) FAIL(result.error().message << "\n" << body);
  Translated out;
  out.body = result->body;
  out.request = std::move(*result);
  json_error_t error;
  json_t* json = out.body.empty()
                     ? json_object()
                     : json_loadb(out.body.data(), out.body.size(), JSON_ALLOW_NUL, &error);
  if (json == nullptr) FAIL(error.text << " in " << out.body);
  out.json = std::shared_ptr<json_t>(json, json_decref);
  return out;
}

inline wire::ApiError refusal(const std::string& body, const Setup& setup = {}) {
  auto result = try_translate(body, setup);
  if (result) FAIL("accepted: " << result->body);
  CHECK(result.error().status / 100 == 4);
  return result.error();
}

// A request with these messages (the inside of the array) and further members.
inline std::string chat(const std::string& messages, const std::string& members = {}) {
  return "{\"model\":\"claude-x\",\"max_tokens\":1000,\"messages\":[" + messages + "]" +
         (members.empty() ? "" : "," + members) + "}";
}
// A request that says hi.
inline std::string hi(const std::string& members = {}) {
  return chat(R"({"role":"user","content":"hi"})", members);
}
// One message; `content` is JSON.
inline std::string said(const std::string& role, const std::string& content) {
  return "{\"role\":\"" + role + "\",\"content\":" + content + "}";
}

}  // namespace clasp::translate
