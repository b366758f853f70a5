// Tools and tool_choice of a request.
#include "base/text.h"
#include "core/wire/anthropic_request_parser.h"
#include "core/wire/tool_memory.h"

namespace clasp::wire {

namespace {

constexpr ChoiceName<ToolChoiceKind> kToolChoices[] = {
    {"auto", ToolChoiceKind::automatic},
    {"any", ToolChoiceKind::any},
    {"tool", ToolChoiceKind::tool},
    {"none", ToolChoiceKind::none},
};

}  // namespace

bool RequestParser::read_tools() {
  out_.tools.clear();
  out_.tool_notes.reset();
  if (is_null()) return true;
  if (reader_.kind() != Kind::array)
    return reader_.skip() && refuse("tools", "Input should be a valid list");
  return read_known_tools() || read_new_tools();
}

// False: the list is not known.
bool RequestParser::read_known_tools() {
  if (memory_ == nullptr) return false;
  const std::string_view rest = body_.substr(reader_.offset());
  const ToolMemory::Known* known = memory_->find(rest);
  if (known == nullptr) return false;
  out_.tools = moved_tools(known->tools, known->json.data(), rest.data());
  out_.tool_notes = known->notes;
  const JsonReader::Spelling before = reader_.spelling();
  reader_.set_spelling({before.needless_escapes || known->spelling.needless_escapes,
                        before.spaces || known->spelling.spaces});
  reader_.pass(known->json.size());
  return true;
}

bool RequestParser::read_new_tools() {
  const std::size_t start = reader_.offset();
  const JsonReader::Spelling before = reader_.spelling();
  reader_.set_spelling({});
  JsonReader::Items items(reader_);
  while (items.next()) {
    if (out_.tools.size() >= kMaxTools) return refuse("tools", "too many tools");
    if (!read_tool()) return false;
  }
  if (!reader_.ok()) return false;
  const JsonReader::Spelling own = reader_.spelling();
  if (memory_ != nullptr)
    out_.tool_notes = memory_->put(body_.substr(start, reader_.offset() - start), out_.tools, own);
  reader_.set_spelling(
      {before.needless_escapes || own.needless_escapes, before.spaces || own.spaces});
  return true;
}

bool RequestParser::read_tool() {
  const std::string path = "tools." + std::to_string(out_.tools.size());
  if (reader_.kind() != Kind::object)
    return reader_.skip() && refuse(path, "Input should be an object");
  Tool tool;
  const std::size_t start = reader_.offset();
  JsonReader::Members members(reader_);
  std::string_view key;
  const auto is = [&key](std::string_view name) { return raw_equals(key, name); };
  while (members.next(key)) {
    bool good = true;
    if (is("name")) {
      good = read_string(tool.name_raw, path + ".name");
    } else if (is("description")) {
      tool.has_description = reader_.kind() == Kind::string;
      good = read_string(tool.description_raw, path + ".description");
    } else if (is("input_schema")) {
      good = is_null() || reader_.skip(tool.schema_json);
    } else if (is("type")) {
      good = read_string(tool.type_raw, path + ".type");
    } else if (is("cache_control")) {
      good = read_json(tool.cache_control_json, Kind::object, path + ".cache_control");
    } else if (is("input_examples")) {
      good = read_json(tool.examples_json, Kind::array, path + ".input_examples");
    } else if (is("strict")) {
      bool strict = false;
      tool.strict.reset();
      if (!is_null()) {
        good = read_bool(strict, path + ".strict");
        tool.strict = strict;
      }
    } else if (is("defer_loading")) {
      good = read_bool(tool.defer_loading, path + ".defer_loading");
    } else {
      good = reader_.skip();
    }
    if (!good) return false;
  }
  if (!reader_.ok()) return false;
  tool.json = body_.substr(start, reader_.offset() - start);
  out_.tools.push_back(tool);
  return true;
}

Tool RequestParser::parse_one_tool() {
  read_tool();
  return out_.tools.empty() ? Tool() : out_.tools.front();
}

bool RequestParser::read_tool_choice() {
  out_.tool_choice = ToolChoiceKind::absent;
  if (is_null()) return true;
  if (reader_.kind() != Kind::object)
    return reader_.skip() && refuse("tool_choice", "Input should be an object");
  std::string_view key, type;
  JsonReader::Members members(reader_);
  while (members.next(key)) {
    bool good = true;
    if (raw_equals(key, "type")) {
      good = read_string(type, "tool_choice.type");
    } else if (raw_equals(key, "name")) {
      good = read_string(out_.tool_choice_name_raw, "tool_choice.name");
    } else if (raw_equals(key, "disable_parallel_tool_use")) {
      good = read_bool(out_.disable_parallel_tool_use, "tool_choice.disable_parallel_tool_use");
    } else {
      good = reader_.skip();
    }
    if (!good) return false;
  }
  if (!reader_.ok()) return false;
  if (!choose(kToolChoices, type, out_.tool_choice))
    return refuse("tool_choice.type", "Input should be 'auto', 'any', 'tool' or 'none'");
  if (out_.tool_choice == ToolChoiceKind::tool && out_.tool_choice_name_raw.empty())
    return refuse("tool_choice.name", "Field required");
  return true;
}

}  // namespace clasp::wire
