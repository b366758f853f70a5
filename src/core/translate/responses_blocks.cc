// Output items that become blocks of the client's as a whole: searches and calls of remote servers.
// Also the form in which reasoning goes back.
#include <utility>

#include "base/text.h"
#include "core/translate/responses_impl.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

using wire::ResponsesEvent;
using wire::ResponsesItem;

constexpr std::size_t kMaxSources = 200;
constexpr std::size_t kMaxAddresses = 1000;
constexpr std::string_view kOwnMcpCall = "mcptoolu_clasp";

void append_clean_string(std::string& out, std::string_view raw) {
  out.push_back('"');
  append_clean_raw(out, raw);
  out.push_back('"');
}

std::string decode_raw(std::string_view raw) {
  std::string clean;
  append_clean_raw(clean, raw);
  return decode_json_string(clean);
}

std::string begin_search(std::string_view id, std::string_view query_raw) {
  std::string out = R"({"type":"server_tool_use","id":)";
  append_json_string(out, id);
  out.append(R"(,"name":"web_search","input":{"query":)");
  append_clean_string(out, query_raw);
  out.append(R"(},"caller":{"type":"direct"}})");
  return out;
}

std::string begin_result(std::string_view id) {
  std::string out = R"({"type":"web_search_tool_result","tool_use_id":)";
  append_json_string(out, id);
  out.append(R"(,"caller":{"type":"direct"},"content":)");
  return out;
}

// The input of a call as an object, whatever the backend wrote.
std::string object_of(const ResponsesItem& item) {
  std::string text =
      item.arguments ? decode_raw(item.arguments.raw) : std::string(item.arguments_json);
  const std::string_view inside = trim(text);
  if (inside.empty()) return "{}";
  std::string out;
  if (inside.front() == '{' && wire::is_valid_json(inside))
    wire::append_compact_json(out, inside);
  else
    append_raw_arguments(out, text);
  return out;
}

// What an `error` member says: its message, else all of it.
std::string error_text(std::string_view json) {
  if (json.front() == '"') return decode_raw(json.substr(1, json.size() - 2));
  if (!wire::is_valid_json(json)) return {};
  const std::string_view message = wire::json_string_member(json, "message");
  return message.empty() ? std::string(json) : decode_raw(message);
}

}  // namespace

// OpenAI marks the addresses in citations as its own visitors, but not those in sources.
std::string plain_address(std::string_view url_raw) {
  constexpr std::string_view kMark = "utm_source=openai";
  std::string out(url_raw);
  const std::size_t at = out.find(kMark);
  if (at == std::string::npos || at == 0) return out;
  out.erase(at - 1, kMark.size() + 1);
  return out;
}

void ResponsesReply::Impl::take_search(Item& item, const ResponsesItem& found,
                                       const ResponsesEvent& event) {
  // Opening a page is part of a search; there is nothing to show for it.
  const bool search = found.action.empty() || found.action.raw == "search";
  if (!context.web_search || !search) return;
  ++searches;
  const std::string id = make_id(random, kOwnSearch);
  std::string result = begin_result(id);
  if (found.status.raw == "failed") {
    result.append(R"({"type":"web_search_tool_result_error","error_code":"unavailable"}})");
  } else {
    const std::string tag = ReasoningState::render_tag(context);
    std::size_t count = 0;
    result.push_back('[');
    for (std::uint32_t i = found.sources.first; i < found.sources.end; ++i) {
      const wire::ResponsesSource& source = event.sources[i];
      if (++count > kMaxSources) break;
      if (found_addresses.size() < kMaxAddresses)
        found_addresses.insert(plain_address(source.url.raw));
      result.append(count == 1 ? R"({"type":"web_search_result","url":)"
                               : R"(,{"type":"web_search_result","url":)");
      append_clean_string(result, source.url.raw);
      result.append(R"(,"title":)");
      append_clean_string(result, source.title.empty() ? source.url.raw : source.title.raw);
      result.append(R"(,"encrypted_content":)");
      append_json_string(result, tag);
      result.append(R"(,"page_age":null})");
    }
    result.append("]}");
  }
  item.blocks.push_back(begin_search(id, found.query.raw));
  item.blocks.push_back(std::move(result));
  kept_blocks(item);
}

void ResponsesReply::Impl::take_mcp_call(Item& item, const ResponsesItem& found) {
  if (!context.mcp) return;
  const std::string id = make_id(random, kOwnMcpCall);
  std::string use = R"({"type":"mcp_tool_use","id":)";
  append_json_string(use, id);
  use.append(R"(,"name":)");
  append_clean_string(use, found.name.raw);
  use.append(R"(,"server_name":)");
  append_clean_string(use, found.server_label.raw);
  use.append(R"(,"input":)").append(object_of(found)).push_back('}');
  const bool has_error = is_real_error(found.error_json);
  const bool failed = has_error || found.status.raw == "failed";
  std::string result = R"({"type":"mcp_tool_result","tool_use_id":)";
  append_json_string(result, id);
  result.append(failed ? R"(,"is_error":true,"content":[)" : R"(,"is_error":false,"content":[)");
  std::string text;  // raw
  append_clean_raw(text, found.output.raw);
  if (text.empty() && has_error) append_json_escaped(text, error_text(found.error_json));
  if (!text.empty())
    result.append(R"({"type":"text","text":")").append(text).append(R"(","citations":null})");
  result.append("]}");
  item.blocks.push_back(std::move(use));
  item.blocks.push_back(std::move(result));
  kept_blocks(item);
}

void ResponsesReply::Impl::kept_blocks(const Item& item) {
  for (const std::string& block : item.blocks) kept += block.size();
  constexpr std::size_t kMost = 32u << 20;
  if (kept > kMost) too_large();
}

void ResponsesReply::Impl::take_other(Item& item, const ResponsesItem& found) {
  switch (item.type) {
    case ItemType::image_generation_call:
      item.image = found.status.raw != "failed";
      if (!item.image) note("image that could not be generated");
      break;
    case ItemType::mcp_list_tools:
      if (is_real_error(found.error_json)) note("tools of an MCP server could not be listed");
      break;
    case ItemType::mcp_approval_request: {
      // Requests say that nothing has to be approved, and no client could.
      wire::ApiError problem = wire::make_error(
          wire::ErrorType::api, "backend asks for approval of a call of an MCP server");
      fail(std::move(problem));
      break;
    }
    case ItemType::unasked:
      note("output item that was not asked for");
      break;
    case ItemType::unknown:
      note("unknown output item");
      break;
    default:
      break;
  }
}

// Empty when there is nothing to send back: neither a seal nor text that was shown. `at`: see
// SignatureState; -1: left out.
std::string ResponsesReply::Impl::render_state(const Item& item, std::string_view phase,
                                               std::int64_t at) const {
  if (item.encrypted.empty() && !item.thought) return {};
  std::string out = "{\"id\":";
  append_clean_string(out, item.label);
  out.append(",\"ec\":");
  append_clean_string(out, item.encrypted);
  if (!phase.empty()) {
    out.append(",\"phase\":");
    append_clean_string(out, phase);
  }
  if (item.type == ItemType::compaction) out.append(",\"type\":\"compaction\"");
  if (at >= 0) out.append(",\"at\":").append(std::to_string(at));
  out.push_back('}');
  return out;
}

// What stands between two messages: their phases, and no item.
std::string ResponsesReply::Impl::render_border(std::string_view before, std::string_view behind) {
  std::string out = R"({"id":"","ec":"","phase":)";
  append_clean_string(out, behind);
  out.append(",\"prior\":");
  append_clean_string(out, before);
  out.push_back('}');
  return out;
}

}  // namespace clasp::translate
