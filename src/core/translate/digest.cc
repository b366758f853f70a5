// Blocks without a counterpart in Chat Completions, told in words: calls and findings of server
// tools, search results, browser tabs. Encrypted members never show up here.
#include <cstdint>

#include "base/text.h"
#include "core/translate/citations.h"
#include "core/translate/content.h"
#include "core/wire/json_each.h"

namespace clasp::translate {

namespace {

using wire::Block;
using wire::BlockType;
using wire::JsonReader;

constexpr std::size_t kMaxDigest = 8 * 1024;

std::string member_text(std::string_view object, std::string_view name) {
  return decode_json_string(wire::json_string_member(object, name));
}

// At most `limit` bytes, not in the middle of a character.
std::string cut(std::string text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && (static_cast<unsigned char>(text[limit]) & 0xC0) == 0x80) --limit;
  text.resize(limit);
  return text + " …";
}

// Calls `visit` with every element of an array; an object counts as its only element.
template <class Visit>
void for_each(std::string_view json, Visit visit) {
  if (JsonReader(json).kind() == JsonReader::Kind::object) return visit(json);
  wire::each_item(json, visit);
}

void add_line(std::string& out, std::string_view line) {
  if (line.empty()) return;
  if (!out.empty()) out.push_back('\n');
  out.append(line);
}

std::string call_digest(const Block& block) {
  std::string input;
  wire::append_compact_json(input, block.input_json.empty() ? "{}" : block.input_json);
  return "[" + decode_json_string(block.name_raw) + " was called with " +
         cut(std::move(input), kMaxDigest) + "]";
}

// One element of a server tool's result, by the members it has.
std::string element_digest(std::string_view element, int number) {
  if (const std::string code = member_text(element, "error_code"); !code.empty())
    return "failed: " + code;
  const std::string url = member_text(element, "url");
  if (const std::string title = member_text(element, "title"); !title.empty() && !url.empty())
    return std::to_string(number) + ". " + title + " — " + url;
  std::string out = url;
  if (const auto document = wire::json_member(element, "content")) {
    // web_fetch: a document inside; others: a list of outputs, or plain text.
    if (const auto source = wire::json_member(*document, "source"))
      add_line(out, member_text(*source, "type") == "text" ? member_text(*source, "data")
                                                           : "[content not shown]");
    if (const auto text = wire::json_string(*document)) add_line(out, decode_json_string(*text));
  }
  for (std::string_view name : {"text", "stdout", "stderr"})
    add_line(out, member_text(element, name));
  if (const auto code = wire::json_member(element, "return_code"); code && *code != "0")
    add_line(out, "return code " + std::string(*code));
  return out;
}

std::string result_digest(const Block& block) {
  std::string out;
  if (block.has_text) {
    out = decode_json_string(block.text_raw);
  } else {
    int number = 0;
    for_each(block.content_json,
             [&](std::string_view element) { add_line(out, element_digest(element, ++number)); });
  }
  if (out.empty()) return {};
  return "[" + decode_json_string(block.type_raw) + "]\n" + cut(std::move(out), kMaxDigest);
}

std::string search_result_digest(const Block& block) {
  std::string text = decode_json_string(block.text_raw);
  for (const Block& part : wire::parse_content_blocks(block.content_json))
    if (part.type == BlockType::text) add_line(text, decode_json_string(part.text_raw));
  const auto escape = [](std::string_view raw) {
    std::string out;
    for (char c : decode_json_string(raw)) {
      if (c == '&')
        out += "&amp;";
      else if (c == '<')
        out += "&lt;";
      else if (c == '>')
        out += "&gt;";
      else if (c == '"')
        out += "&quot;";
      else
        out.push_back(c);
    }
    return out;
  };
  return "<search_result source=\"" + escape(block.data_raw) + "\" title=\"" +
         escape(block.title_raw) + "\">\n" + text + "\n</search_result>";
}

std::string browser_digest(const Block& block) {
  std::string out = "[browser state]";
  for_each(wire::json_member(block.json, "tabs").value_or(""), [&out](std::string_view tab) {
    const bool active = wire::json_member(tab, "active").value_or("") == "true";
    std::string id = member_text(tab, "tab_id");
    if (id.empty()) id = std::string(wire::json_member(tab, "tab_id").value_or("?"));
    add_line(out, std::string(active ? "* " : "- ") + "tab " + id + ": " +
                      member_text(tab, "title") + " — " + member_text(tab, "url"));
  });
  for (std::string_view name : {"state_changes", "changes"})
    for_each(wire::json_member(block.json, name).value_or(""), [&out](std::string_view change) {
      const auto text = wire::json_string(change);
      std::string line;
      if (text)
        line = decode_json_string(*text);
      else
        wire::append_compact_json(line, change);
      add_line(out, line);
    });
  return cut(std::move(out), kMaxDigest);
}

}  // namespace

std::string digest_block(const Block& block) {
  switch (block.type) {
    case BlockType::search_result:
      return search_result_digest(block);
    case BlockType::tool_reference:
      return "Tool available: " + decode_json_string(block.name_raw);
    case BlockType::server_tool_use:
    case BlockType::mcp_tool_use:
      // What this proxy made up for a search stands in the text already.
      return block.id_raw.starts_with(kOwnSearch) ? std::string() : call_digest(block);
    case BlockType::server_tool_result:
    case BlockType::mcp_tool_result:
      return block.id_raw.starts_with(kOwnSearch) ? std::string() : result_digest(block);
    default:
      break;
  }
  return block.type_raw == "browser_state" ? browser_digest(block) : std::string();
}

}  // namespace clasp::translate
