// Finds blocks, holding back as little as it can, and reads calls out of them.
#include "core/translate/text_tools.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "core/translate/arguments.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

constexpr std::size_t kMaxBlock = 1u << 20;
constexpr int kMaxParameters = 64;

struct Form {
  std::string_view open, close;
};
constexpr Form kForms[] = {
    {"<tool_call>", "</tool_call>"},
    {"<function=", "</function>"},
    {"<xai:function_call", "</xai:function_call>"},
    // Some models write the end of a block that they did not open.
    {"</tool_call>", ""},
};
constexpr int kStray = 3;

void add_text(std::string_view text, std::vector<TextTools::Item>& out) {
  if (text.empty()) return;
  if (!out.empty() && !out.back().is_call())
    out.back().text.append(text);
  else
    out.push_back({{}, std::string(text)});
}

// What stands between `open` and `close`, taken off the front of `text`.
bool take_between(std::string_view& text, std::string_view open, std::string_view close,
                  std::string_view& inside) {
  const std::size_t from = text.find(open);
  if (from == std::string_view::npos) return false;
  const std::size_t first = from + open.size();
  const std::size_t to = text.find(close, first);
  if (to == std::string_view::npos) return false;
  inside = text.substr(first, to - first);
  text.remove_prefix(to + close.size());
  return true;
}

std::string_view without_quotes(std::string_view name) {
  name = trim(name);
  if (name.size() >= 2 && (name.front() == '"' || name.front() == '\'') &&
      name.back() == name.front())
    name = name.substr(1, name.size() - 2);
  return name;
}

// One line break on each side belongs to the tags, not to the value.
std::string_view without_outer_breaks(std::string_view value) {
  if (!value.empty() && value.front() == '\n') value.remove_prefix(1);
  if (!value.empty() && value.back() == '\n') value.remove_suffix(1);
  return value;
}

// The text as one whole JSON object, mended where that is safe; empty when it is none.
std::string whole_object(std::string_view text) {
  text = trim(text);
  if (text.empty() || text.front() != '{') return {};
  ArgumentScanner scanner;
  std::string out;
  scanner.feed(text, out);
  if (!scanner.complete() || scanner.surplus()) return {};
  return out;
}

}  // namespace

// ---- finding blocks ----------------------------------------------------------------------------

void TextTools::feed(std::string_view text, std::vector<Item>& out) {
  held_.append(text);
  while (form_ >= 0 ? close(out) : open(out)) {
  }
  held_.erase(0, at_);
  searched_ -= std::min(searched_, at_);
  at_ = 0;
}

void TextTools::pass(std::size_t end, std::vector<Item>& out) {
  add_text(std::string_view(held_).substr(at_, end - at_), out);
  at_ = end;
}

// Gives out the text before the next block. False when there is none yet.
bool TextTools::open(std::vector<Item>& out) {
  for (std::size_t at = at_; !off_ && (at = held_.find('<', at)) != std::string::npos; ++at) {
    const std::string_view rest = std::string_view(held_).substr(at);
    for (int i = 0; i < static_cast<int>(std::size(kForms)); ++i) {
      const std::string_view tag = kForms[i].open;
      if (rest.substr(0, tag.size()) != tag.substr(0, rest.size())) continue;
      pass(at, out);
      if (rest.size() < tag.size()) return false;  // more of it may come
      if (i == kStray && calls_ > 0) {
        at_ += tag.size();
      } else if (i == kStray) {
        pass(at_ + tag.size(), out);
      } else {
        form_ = i;
        searched_ = at_ + tag.size();
      }
      return true;
    }
  }
  pass(held_.size(), out);
  return false;
}

// Takes the open block when its end is there. False when more must come.
bool TextTools::close(std::vector<Item>& out) {
  const std::string_view tag = kForms[form_].close;
  const std::size_t found = held_.find(tag, searched_);
  if (found == std::string::npos) {
    searched_ = std::max(searched_, held_.size() - std::min(held_.size(), tag.size() - 1));
    if (held_.size() - at_ <= kMaxBlock) return false;
    // No call is that long: from here on all is text.
    off_ = true;
    form_ = -1;
    return true;
  }
  const std::size_t end = found + tag.size();
  if (take_call(std::string_view(held_).substr(at_, end - at_), out))
    at_ = end;
  else
    pass(end, out);
  form_ = -1;
  return true;
}

void TextTools::finish(std::vector<Item>& out) {
  if (form_ >= 0) {
    std::string block = held_;
    // Models often stop where the closing tag would be.
    if (form_ == 0 && block.find("<function=") != std::string::npos &&
        block.find("</function>") == std::string::npos)
      block.append("</function>");
    if (take_call(block.append(kForms[form_].close), out)) held_.clear();
  }
  add_text(held_, out);
  held_.clear();
  searched_ = 0;
  form_ = -1;
}

// ---- reading calls -----------------------------------------------------------------------------

bool TextTools::take_call(std::string_view block, std::vector<Item>& out) {
  std::string_view body = block, head;
  if (form_ == 0) {
    std::string_view inside;
    if (!take_between(body, kForms[0].open, kForms[0].close, inside)) return false;
    body = inside;
    if (trim(body).starts_with('{')) return take_json(body, {}, out);
  }
  if (form_ == 2) {
    if (!take_between(body, kForms[2].open, ">", head)) return false;
    const std::size_t at = head.find("name=");
    if (at == std::string_view::npos) return false;
    const std::string name(without_quotes(head.substr(at + 5)));
    body.remove_suffix(std::min(body.size(), kForms[2].close.size()));
    return trim(body).starts_with('{') ? take_json(body, name, out)
                                       : take_parameters(body, name, out);
  }
  if (!take_between(body, "<function=", ">", head)) return false;
  const std::size_t end = body.rfind("</function>");
  if (end == std::string_view::npos) return false;
  return take_parameters(body.substr(0, end), std::string(without_quotes(head)), out);
}

// {"name":…,"arguments":{…}}, or the arguments alone of the call of that name.
bool TextTools::take_json(std::string_view body, std::string_view name, std::vector<Item>& out) {
  const std::string json = whole_object(body);
  if (json.empty()) return false;
  if (!name.empty()) {
    if (!context_.tools.contains(std::string(name))) return false;
    out.push_back({std::string(name), json});
    ++calls_;
    return true;
  }
  const std::string called = decode_json_string(wire::json_string_member(json, "name"));
  if (!context_.tools.contains(called)) return false;
  auto arguments = wire::json_member(json, "arguments");
  if (!arguments) arguments = wire::json_member(json, "parameters");
  std::string input = "{}";
  if (arguments) {
    const auto inner = wire::json_string(*arguments);
    input = whole_object(inner ? decode_json_string(*inner) : std::string(*arguments));
  }
  if (input.empty()) return false;
  out.push_back({called, std::move(input)});
  ++calls_;
  return true;
}

bool TextTools::take_parameters(std::string_view body, const std::string& name,
                                std::vector<Item>& out) {
  if (!context_.tools.contains(name)) return false;
  std::string input = "{";
  int count = 0;
  for (;;) {
    // <parameter=KEY> of Qwen, <parameter name="KEY"> of Grok.
    std::string_view head, value;
    if (!take_between(body, "<parameter", ">", head)) break;
    const std::size_t end = std::min(body.find("</parameter>"), body.find("<parameter"));
    value = body.substr(0, end);
    body.remove_prefix(value.size());
    const std::size_t equals = head.find('=');
    if (equals == std::string_view::npos || ++count > kMaxParameters) return false;
    const std::string_view key = without_quotes(head.substr(equals + 1));
    if (input.size() > 1) input.push_back(',');
    append_json_string(input, key);
    input.push_back(':');
    input.append(render_value(name, key, without_outer_breaks(value)));
  }
  // Something else in there: no call that could be understood.
  if (count == 0 && !trim(body).empty()) return false;
  out.push_back({name, input.append("}")});
  ++calls_;
  return true;
}

// JSON where the tool's schema wants something else than a string and the text is JSON.
std::string TextTools::render_value(const std::string& tool, std::string_view key,
                                    std::string_view value) const {
  const std::string& schema = context_.tools.at(tool).schema;
  bool string = schema.empty();
  if (!schema.empty()) {
    const auto properties = wire::json_member(schema, "properties");
    const auto property = properties ? wire::json_member(*properties, key) : std::nullopt;
    string = property && wire::json_string_member(*property, "type") == "string";
  }
  const std::string_view json = trim(value);
  if (!string && wire::is_valid_json(json)) return std::string(json);
  std::string out;
  append_json_string(out, value);
  return out;
}

}  // namespace clasp::translate
