// See prompt_count.h. Formulas: three tokens for each message and three to begin the answer, the
// role is a text (OpenAI's cookbook, "How to count tokens with tiktoken", for gpt-4o and later);
// functions are text of the form in function_text.cc. What is not published is counted as the
// estimate has it.
#include "core/translate/prompt_count.h"

#include "base/text.h"
#include "core/translate/estimate.h"
#include "core/translate/function_text.h"
#include "core/wire/json_each.h"

namespace clasp::translate {

namespace {

using wire::each_item;
using wire::each_member;

constexpr std::int64_t kPerMessage = 3;
constexpr std::int64_t kAnswerBegin = 3;
constexpr std::int64_t kPerName = 1;

bool has_prefix(std::string_view name, std::initializer_list<std::string_view> prefixes) {
  for (const std::string_view prefix : prefixes)
    if (name.starts_with(prefix)) return true;
  return false;
}

class PromptCounter {
 public:
  PromptCounter(const Vocabulary& vocabulary, CountBudget budget)
      : vocabulary_(vocabulary), budget_(budget) {}

  void request(std::string_view body) {
    tokens_ += kAnswerBegin;
    each_member(body, [this](std::string_view key, std::string_view value) {
      if (key == "messages" || key == "input") messages(value);
      if (key == "instructions") spoken("developer", value);
      if (key == "tools") tools(value);
      // {"type": "json_schema", …}: on Responses in `text`.
      if (key == "response_format") format(value);
      if (key == "text") format(wire::json_member(value, "format").value_or("null"));
    });
  }
  std::optional<std::int64_t> result() const {
    return exhausted_ ? std::nullopt : std::optional(tokens_);
  }

 private:
  void text(std::string_view text) {
    if (exhausted_) return;
    const auto tokens = count_tokens_of(vocabulary_, text, budget_);
    exhausted_ = !tokens;
    tokens_ += static_cast<std::int64_t>(tokens.value_or(0));
  }
  // The inside of a JSON string.
  void raw(std::string_view raw) {
    if (raw.find('\\') == std::string_view::npos) return text(raw);
    text(decode_json_string(raw));
  }
  void string(std::string_view json) {
    if (const auto inside = wire::json_string(json)) raw(*inside);
  }

  void messages(std::string_view json) {
    if (json.starts_with('"')) return spoken("user", json);
    each_item(json, [this](std::string_view one) { message(one); });
  }
  void spoken(std::string_view role, std::string_view json) {
    tokens_ += kPerMessage;
    text(role);
    content(json);
  }
  void message(std::string_view json);
  void call(std::string_view name_json, std::string_view arguments_json);
  void content(std::string_view json);
  void part(std::string_view json);
  void media(std::string_view reference_json, bool image);
  void tools(std::string_view json);
  void format(std::string_view json);

  const Vocabulary& vocabulary_;
  CountBudget budget_;
  std::int64_t tokens_ = 0;
  bool exhausted_ = false;
};

// A message of either API, a call or its result.
void PromptCounter::message(std::string_view json) {
  std::string_view type, name, arguments;
  bool sealed = false;
  each_member(json, [&](std::string_view key, std::string_view value) {
    if (key == "role") string(value);
    if (key == "content" || key == "output") content(value);
    if (key == "reasoning_content" || key == "reasoning") string(value);
    if (key == "type") type = value;
    if (key == "name") name = value;
    if (key == "arguments") arguments = value;
    // What only the backend can read, and mostly leaves out.
    if (key == "encrypted_content") sealed = true;
    if (key == "tool_calls")
      each_item(value, [this](std::string_view one) {
        const std::string_view function = wire::json_member(one, "function").value_or("{}");
        call(wire::json_member(function, "name").value_or("null"),
             wire::json_member(function, "arguments").value_or("null"));
      });
  });
  if (sealed) return;
  if (type == "\"function_call\"") return call(name, arguments);
  if (type == "\"function_call_output\"") text("tool");
  tokens_ += kPerMessage;
  if (name.empty()) return;
  tokens_ += kPerName;
  string(name);
}

// A call is a message of its own to the model.
void PromptCounter::call(std::string_view name_json, std::string_view arguments_json) {
  tokens_ += kPerMessage;
  text("functions.");
  string(name_json);
  string(arguments_json);
}

void PromptCounter::content(std::string_view json) {
  if (json.starts_with('"')) return string(json);
  each_item(json, [this](std::string_view one) { part(one); });
}

void PromptCounter::part(std::string_view json) {
  each_member(json, [this](std::string_view key, std::string_view value) {
    if (key == "text" || key == "refusal") string(value);
    if (key == "image_url")
      media(value.starts_with('{') ? wire::json_member(value, "url").value_or("\"\"") : value,
            true);
    if (key == "file") media(wire::json_member(value, "file_data").value_or("\"\""), false);
    if (key == "file_data" || key == "file_url") media(value, false);
  });
}

// By URL or as data: "data:image/png;base64,…".
void PromptCounter::media(std::string_view reference_json, bool image) {
  std::string_view data = wire::json_string(reference_json).value_or(std::string_view());
  const std::size_t comma = data.starts_with("data:") ? data.find(',') : std::string_view::npos;
  data = comma == std::string_view::npos ? std::string_view() : data.substr(comma + 1);
  tokens_ += image ? image_tokens(data) : pdf_tokens(data);
}

void PromptCounter::tools(std::string_view json) {
  // Before they are rendered.
  exhausted_ = exhausted_ || json.size() > budget_.left;
  if (exhausted_) return;
  // In one text: pieces go over its seams.
  std::string functions(kFunctionsBegin);
  each_item(json, [&](std::string_view one) {
    if (wire::json_string_member(one, "type") != "function") {
      tokens_ += kBuiltinTool;
      return;
    }
    const auto inner = wire::json_member(one, "function");
    const std::string_view function = inner ? *inner : one;
    append_function_text(functions, wire::json_string_member(function, "name"),
                         wire::json_string_member(function, "description"),
                         wire::json_member(function, "parameters").value_or(std::string_view()));
  });
  if (functions.size() > kFunctionsBegin.size()) text(functions.append(kFunctionsEnd));
}

void PromptCounter::format(std::string_view json) {
  const auto inner = wire::json_member(json, "json_schema");
  const std::string_view named = inner ? *inner : json;
  const auto schema = wire::json_member(named, "schema");
  if (!schema) return;
  std::string shown = "# Response Formats\n\n## ";
  shown.append(decode_json_string(wire::json_string_member(named, "name"))).append("\n\n");
  wire::append_compact_json(shown, *schema);
  text(shown);
}

}  // namespace

bool speaks_o200k(std::string_view model) {
  const std::size_t slash = model.rfind('/');
  std::string name = to_lower(slash == std::string_view::npos ? model : model.substr(slash + 1));
  // A model of one's own: ft:gpt-4o-mini:somebody::id.
  if (name.starts_with("ft:")) name.erase(0, 3);
  if (has_prefix(name, {"chatgpt-4o", "gpt-oss", "codex-", "o1", "o3", "o4"})) return true;
  if (has_prefix(name, {"gpt-4o", "gpt-4.1", "gpt-4.5"})) return true;
  // gpt-5 and what came after it.
  return name.size() > 4 && name.starts_with("gpt-") && name[4] >= '5' && name[4] <= '9';
}

std::optional<Prompt> make_prompt(const wire::MessagesRequest& request, const Target& target,
                                  const RequestFacts& facts) {
  if (!speaks_o200k(target.model)) return std::nullopt;
  auto translated = translate_request(request, target, facts);
  if (!translated || translated->body.empty()) return std::nullopt;
  return Prompt{target.api, std::move(translated->body)};
}

std::optional<std::int64_t> count_prompt(const Vocabulary& vocabulary, const Prompt& prompt,
                                         CountBudget budget) {
  PromptCounter counter(vocabulary, budget);
  counter.request(prompt.body);
  return counter.result();
}

}  // namespace clasp::translate
