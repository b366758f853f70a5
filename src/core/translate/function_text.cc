// See function_text.h. The form is the one that OpenAI publishes for its open models (the Harmony
// response format, "Defining available tools"), which the closed ones are counted by in practice
// too.
#include "core/translate/function_text.h"

#include <optional>
#include <unordered_set>

#include "base/text.h"
#include "core/wire/json_each.h"

namespace clasp::translate {

namespace {

using wire::JsonReader;

// What is deeper is rendered as the schema that it is: the time that this takes grows with the
// depth.
constexpr int kMostDepth = 8;

// The members of a schema that are shown, as they stood; empty ones are missing.
struct Shown {
  std::string_view type, description, title, values, constant, variants, properties, required,
      items, usual;
};

bool has_members(std::string_view json) {
  JsonReader reader(json);
  if (json.empty() || reader.kind() != JsonReader::Kind::object) return false;
  std::string_view key;
  return JsonReader::Members(reader).next(key);
}

Shown read_schema(std::string_view json) {
  Shown shown;
  const std::pair<std::string_view, std::string_view*> slots[] = {
      {"type", &shown.type},         {"description", &shown.description},
      {"title", &shown.title},       {"enum", &shown.values},
      {"const", &shown.constant},    {"anyOf", &shown.variants},
      {"oneOf", &shown.variants},    {"properties", &shown.properties},
      {"required", &shown.required}, {"items", &shown.items},
      {"default", &shown.usual},
  };
  wire::each_member(json, [&slots](std::string_view key, std::string_view value) {
    for (const auto& [name, slot] : slots)
      if (key == name) *slot = value;
  });
  if (!has_members(shown.properties)) shown.properties = {};
  return shown;
}

class FunctionText {
 public:
  explicit FunctionText(std::string& out) : out_(out) {}

  void comment(std::string_view raw) {
    if (raw.empty()) return;
    const std::string text = decode_json_string(raw);
    for (std::size_t at = 0; at <= text.size();) {
      const std::size_t end = std::min(text.find('\n', at), text.size());
      out_.append("// ").append(text, at, end - at).push_back('\n');
      at = end + 1;
    }
  }

  // The type that a schema says.
  void type(std::string_view json, int depth) {
    if (depth > kMostDepth) return wire::append_compact_json(out_, json);
    const Shown shown = read_schema(json);
    if (!shown.values.empty()) return joined(shown.values, [this](auto one) { out_.append(one); });
    if (!shown.constant.empty()) {
      out_.append(shown.constant);
      return;
    }
    if (!shown.variants.empty())
      return joined(shown.variants, [&](auto one) { type(one, depth + 1); });
    if (shown.type.starts_with('[')) return type_list(shown, depth);
    named_type(shown.type, shown, depth);
  }

  // The members of an object, each on a line of its own.
  void members(const Shown& object, int depth) {
    std::unordered_set<std::string_view> required;
    wire::each_item(object.required, [&required](auto name) { required.insert(name); });
    wire::each_member(object.properties, [&](std::string_view key, std::string_view value) {
      const Shown shown = read_schema(value);
      comment(wire::json_string(shown.description).value_or(std::string_view()));
      out_.append(decode_json_string(key));
      const std::string quoted = "\"" + std::string(key) + "\"";
      out_.append(required.contains(quoted) ? ": " : "?: ");
      type(value, depth + 1);
      out_.push_back(',');
      // One of a list stands there without its quotes.
      const auto word = shown.values.empty() ? std::nullopt : wire::json_string(shown.usual);
      if (!shown.usual.empty()) out_.append(" // default: ").append(word.value_or(shown.usual));
      out_.push_back('\n');
    });
  }

 private:
  template <class Use>
  void joined(std::string_view list, Use use) {
    bool first = true;
    wire::each_item(list, [&](auto one) {
      if (!first) out_.append(" | ");
      first = false;
      use(one);
    });
  }

  // Each once: a type that is repeated would render all that is inside of it again, and so on in
  // the depth.
  void type_list(const Shown& shown, int depth) {
    std::unordered_set<std::string_view> seen;
    wire::each_item(shown.type, [&](auto one) {
      if (!seen.insert(one).second) return;
      if (seen.size() > 1) out_.append(" | ");
      named_type(one, shown, depth);
    });
  }

  void named_type(std::string_view name, const Shown& shown, int depth) {
    if (name == "\"object\"" || (name.empty() && !shown.properties.empty())) {
      if (shown.properties.empty()) {
        out_.append("object");
        return;
      }
      out_.append("{\n");
      members(shown, depth);
      out_.push_back('}');
    } else if (name == "\"array\"") {
      if (shown.items.empty())
        out_.append("any");
      else
        type(shown.items, depth + 1);
      out_.append("[]");
    } else if (name == "\"integer\"") {
      out_.append("number");
    } else if (const auto word = wire::json_string(name)) {
      out_.append(*word);
    } else {
      out_.append("any");
    }
  }

  std::string& out_;
};

}  // namespace

void append_function_text(std::string& out, std::string_view name_raw,
                          std::string_view description_raw, std::string_view schema_json) {
  FunctionText text(out);
  text.comment(description_raw);
  out.append("type ").append(decode_json_string(name_raw)).append(" = (");
  const Shown parameters = schema_json.empty() ? Shown() : read_schema(schema_json);
  if (!parameters.properties.empty()) {
    out.append("_: {\n");
    text.members(parameters, 0);
    out.push_back('}');
  }
  out.append(") => any;\n\n");
}

}  // namespace clasp::translate
