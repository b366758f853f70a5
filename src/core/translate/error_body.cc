// Reading error bodies. Never on the hot path, so a JSON tree is fine here.
#include "core/translate/error_body.h"

#include <jansson.h>

#include <algorithm>
#include <memory>

#include "base/text.h"

namespace clasp::translate {

namespace {

constexpr std::size_t kMaxText = 8192;  // of one message that is looked at
constexpr std::size_t kHtmlText = 200;
constexpr std::size_t kMaxBody = 1u << 20;
constexpr std::size_t kMaxNames = 16;

using Json = std::unique_ptr<json_t, decltype(&json_decref)>;

Json load(std::string_view text) {
  return {json_loadb(text.data(), text.size(), JSON_DECODE_ANY | JSON_ALLOW_NUL, nullptr),
          &json_decref};
}

std::string text_of(const json_t* value) {
  if (!json_is_string(value)) return {};
  return std::string(json_string_value(value), std::min(json_string_length(value), kMaxText));
}

std::int64_t count_of(const json_t* value) {
  return json_is_integer(value) && json_integer_value(value) >= 0 ? json_integer_value(value) : -1;
}

void add_name(ErrorBody& error, const json_t* value) {
  if (!json_is_string(value) || json_string_length(value) > 128) return;
  if (error.names.size() < kMaxNames) error.names.push_back(to_lower(json_string_value(value)));
}

void set_message(ErrorBody& error, std::string text) {
  if (error.message.empty()) error.message = std::move(text);
}

// [{msg, loc}] of FastAPI, or the plain text of others.
void read_detail(const json_t* detail, ErrorBody& error) {
  if (json_is_string(detail)) set_message(error, text_of(detail));
  if (json_is_object(detail)) {
    set_message(error, text_of(json_object_get(detail, "message")));
    set_message(error, text_of(json_object_get(detail, "msg")));
  }
  std::string all;
  std::size_t i = 0;
  json_t* entry = nullptr;
  json_array_foreach(detail, i, entry) {
    if (i >= 8) break;
    std::string where;
    std::size_t k = 0;
    json_t* part = nullptr;
    json_array_foreach(json_object_get(entry, "loc"), k, part) {
      const std::string name =
          json_is_integer(part) ? std::to_string(json_integer_value(part)) : text_of(part);
      if (name.empty() || k >= 16) continue;
      if (!where.empty()) where.push_back('.');
      where.append(name);
    }
    std::string text = text_of(json_object_get(entry, "msg"));
    if (text.empty()) text = text_of(json_object_get(entry, "message"));
    if (text.empty()) continue;
    if (!all.empty()) all.append("; ");
    if (!where.empty()) all.append(where).append(": ");
    all.append(text);
  }
  if (!all.empty()) set_message(error, std::move(all));
}

// gemini: details[] with a RetryInfo among them.
void read_gemini_details(const json_t* details, ErrorBody& error) {
  std::size_t i = 0;
  json_t* entry = nullptr;
  json_array_foreach(details, i, entry) {
    if (i >= 32) break;
    const std::string delay = text_of(json_object_get(entry, "retryDelay"));
    if (!delay.empty()) error.retry_delay = delay;
    add_name(error, json_object_get(entry, "reason"));
  }
}

void read_openrouter_metadata(const json_t* metadata, ErrorBody& error) {
  if (!json_is_object(metadata)) return;
  error.moderation = json_object_get(metadata, "flagged_input") != nullptr ||
                     json_array_size(json_object_get(metadata, "reasons")) > 0;
  error.nested = text_of(json_object_get(metadata, "raw"));
  const Json inner = load(error.nested);
  if (!json_is_object(inner.get())) return;
  const json_t* deep = json_object_get(inner.get(), "error");
  std::string text =
      json_is_string(deep) ? text_of(deep) : text_of(json_object_get(deep, "message"));
  if (text.empty()) text = text_of(json_object_get(inner.get(), "message"));
  add_name(error, json_object_get(deep, "code"));
  add_name(error, json_object_get(deep, "type"));
  add_name(error, json_object_get(inner.get(), "type"));
  if (error.param.empty()) error.param = text_of(json_object_get(deep, "param"));
  if (!text.empty()) error.nested = std::move(text);
}

// The members that sit in `error`, or at the top where there is no `error`.
void read_error_object(const json_t* object, ErrorBody& error) {
  const json_t* message = json_object_get(object, "message");
  set_message(error, text_of(message));
  if (json_is_object(message)) read_detail(message, error);
  add_name(error, json_object_get(object, "type"));
  add_name(error, json_object_get(object, "status"));
  const json_t* code = json_object_get(object, "code");
  add_name(error, code);
  if (json_is_integer(code))
    error.numeric_code = static_cast<int>(std::clamp<json_int_t>(json_integer_value(code), 0, 999));
  if (json_is_string(code) && json_string_length(code) == 3)
    error.numeric_code = static_cast<int>(parse_unsigned(json_string_value(code)).value_or(0));
  if (error.param.empty()) error.param = text_of(json_object_get(object, "param"));
  for (const char* inner : {"innererror", "inner_error"})
    add_name(error, json_object_get(json_object_get(object, inner), "code"));
  error.prompt_tokens =
      std::max(error.prompt_tokens, count_of(json_object_get(object, "n_prompt_tokens")));
  error.context_size = std::max(error.context_size, count_of(json_object_get(object, "n_ctx")));
  read_gemini_details(json_object_get(object, "details"), error);
  read_openrouter_metadata(json_object_get(object, "metadata"), error);
}

void read_object(const json_t* root, ErrorBody& error) {
  const json_t* inner = json_object_get(root, "error");
  if (json_is_object(inner))
    read_error_object(inner, error);
  else if (json_is_string(inner))
    set_message(error, text_of(inner));
  read_error_object(root, error);
  read_detail(json_object_get(root, "detail"), error);
  read_detail(json_object_get(root, "errors"), error);
  for (const char* name : {"promptFeedback", "prompt_feedback"}) {
    const json_t* feedback = json_object_get(root, name);
    std::string reason = text_of(json_object_get(feedback, "blockReason"));
    if (reason.empty()) reason = text_of(json_object_get(feedback, "block_reason"));
    if (!reason.empty()) error.block_reason = std::move(reason);
  }
}

// Visible text of a page: tags, scripts and styles left out, white space folded.
std::string visible_text(std::string_view html) {
  std::string out;
  bool space = false;
  for (std::size_t i = 0; i < html.size() && out.size() < kHtmlText;) {
    const char c = html[i];
    if (c == '<') {
      for (const std::string_view skip : {"script", "style", "head"}) {
        if (!iequals(html.substr(i + 1, skip.size()), skip)) continue;
        const std::string closing = "</" + std::string(skip);
        const auto at = std::search(html.begin() + static_cast<std::ptrdiff_t>(i), html.end(),
                                    closing.begin(), closing.end(), [](char a, char b) {
                                      return to_lower({&a, 1}) == to_lower({&b, 1});
                                    });
        i = static_cast<std::size_t>(at - html.begin());
        break;
      }
      const std::size_t end = html.find('>', std::min(i, html.size()));
      i = end == std::string_view::npos ? html.size() : end + 1;
      space = true;
      continue;
    }
    const bool blank = static_cast<unsigned char>(c) <= 0x20;
    if (!blank) {
      if (space && !out.empty()) out.push_back(' ');
      out.push_back(c);
    }
    space = blank || (space && out.empty());
    ++i;
  }
  return out;
}

}  // namespace

bool ErrorBody::has_name(std::string_view name) const {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool ErrorBody::has_name_part(std::string_view part) const {
  return std::any_of(names.begin(), names.end(),
                     [part](const std::string& n) { return n.find(part) != std::string::npos; });
}

bool ErrorBody::says(std::string_view text) const {
  return icontains(message, text) || icontains(nested, text);
}

ErrorBody parse_error_body(std::string_view body) {
  ErrorBody error;
  body = body.substr(0, kMaxBody);
  const Json root = load(body);
  const json_t* value = root.get();
  if (json_is_array(value)) value = json_array_get(value, 0);
  if (json_is_object(value))
    read_object(value, error);
  else if (json_is_string(value))
    error.message = text_of(value);
  else if (!root)
    error.message = visible_text(body);
  return error;
}

}  // namespace clasp::translate
