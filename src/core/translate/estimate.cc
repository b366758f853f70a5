// The token estimate of translation spec §7.1: deterministic, a little high, and fast. Texts are
// counted as they stand in the JSON; base64 is never counted as text.
#include "core/translate/estimate.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "base/json_scan.h"
#include "core/translate/builtin_tools.h"
#include "core/translate/media_size.h"
#include "core/translate/request.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

using wire::Block;
using wire::BlockType;

constexpr std::int64_t kPerTool = 8;
constexpr std::int64_t kAnyTool = 300;
constexpr std::int64_t kImage = 1600;
constexpr std::int64_t kPixelsPerToken = 750;
constexpr std::int64_t kPdfPage = 2000;
constexpr std::int64_t kPdfBytesPerToken = 20;
constexpr std::int64_t kToolsetTool = 2000;
constexpr std::size_t kDigest = 8192;

// Code points by weight; one ASCII character is 1/3.8 token.
struct Count {
  std::uint64_t ascii = 0;
  std::uint64_t half = 0;   // two make a token
  std::uint64_t whole = 0;  // a token each
  std::int64_t tokens = 0;  // counted otherwise

  std::int64_t weight() const {
    return tokens * kTokenWeight + static_cast<std::int64_t>(ascii * 10 + half * 19 + whole * 38);
  }
};

void count_code_point(Count& count, unsigned code) {
  const bool punctuation = code >= 0x2000 && code <= 0x206F;
  const bool extended = (code >= 0x1E00 && code <= 0x1FFF) || (code >= 0xFB50 && code <= 0xFDFF) ||
                        (code >= 0xFE70 && code <= 0xFEFE);
  if (code < 0x80)
    ++count.ascii;
  else if (code < 0x800 || punctuation || extended)
    ++count.half;
  else
    ++count.whole;
}

unsigned hex_value(std::string_view digits) {
  unsigned value = 0;
  for (char c : digits)
    value = value * 16 + static_cast<unsigned>(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
  return value;
}

// A backslash at raw[at]; returns how many bytes the escape takes.
std::size_t count_escape(Count& count, std::string_view raw, std::size_t at) {
  if (at + 6 > raw.size() || raw[at + 1] != 'u') {
    ++count.ascii;
    return 2;
  }
  const unsigned code = hex_value(raw.substr(at + 2, 4));
  // The second half of a surrogate pair adds nothing.
  if (code < 0xDC00 || code > 0xDFFF) count_code_point(count, code);
  return 6;
}

std::size_t count_sequence(Count& count, std::string_view raw, std::size_t at) {
  const auto byte = [&](std::size_t k) -> unsigned {
    return at + k < raw.size() ? static_cast<unsigned char>(raw[at + k]) & 0x3Fu : 0u;
  };
  const auto lead = static_cast<unsigned char>(raw[at]);
  if (lead < 0xE0) {
    ++count.half;
    return 2;
  }
  if (lead >= 0xF0) {
    ++count.whole;
    return 4;
  }
  count_code_point(count, ((lead & 0x0Fu) << 12) | (byte(1) << 6) | byte(2));
  return 3;
}

void count_raw(Count& count, std::string_view raw) {
  for (std::size_t i = 0; i < raw.size();) {
    const std::size_t next = skip_unescaped_ascii(raw, i);
    count.ascii += next - i;
    i = next;
    if (i == raw.size()) return;
    i += raw[i] == '\\' ? count_escape(count, raw, i) : count_sequence(count, raw, i);
  }
}

void count_blocks(Count& count, const wire::MessagesRequest& request, const Block* first,
                  const Block* end, int depth);

void count_image(Count& count, const Block& block) {
  count.tokens += image_tokens(block.source_type_raw == "base64" ? block.data_raw : "");
}

void count_document(Count& count, const wire::MessagesRequest& request, const Block& block,
                    int depth) {
  count_raw(count, block.title_raw);
  count_raw(count, block.context_raw);
  if (block.source_type_raw == "text") {
    count_raw(count, block.data_raw);
  } else if (block.source_type_raw == "content") {
    const auto inner = wire::parse_content_blocks(block.content_json);
    count_blocks(count, request, inner.data(), inner.data() + inner.size(), depth + 1);
  } else if (block.source_type_raw == "base64") {
    count.tokens += pdf_tokens(block.data_raw);
  } else {
    count.tokens += pdf_tokens({});
  }
}

void count_block(Count& count, const wire::MessagesRequest& request, const Block& block,
                 int depth) {
  switch (block.type) {
    case BlockType::image:
      return count_image(count, block);
    case BlockType::document:
      return count_document(count, request, block, depth);
    case BlockType::tool_use:
      count_raw(count, block.name_raw);
      return count_raw(count, block.input_json);
    case BlockType::tool_result:
      count_raw(count, block.text_raw);
      if (depth == 0 && block.end_child > block.first_child)
        count_blocks(count, request, request.children.data() + block.first_child,
                     request.children.data() + block.end_child, depth + 1);
      if (depth > 0) {
        const auto inner = wire::parse_content_blocks(block.content_json);
        count_blocks(count, request, inner.data(), inner.data() + inner.size(), depth + 1);
      }
      return;
    case BlockType::search_result: {
      const auto inner = wire::parse_content_blocks(block.content_json);
      count_raw(count, block.title_raw);
      return count_blocks(count, request, inner.data(), inner.data() + inner.size(), depth + 1);
    }
    case BlockType::server_tool_use:
    case BlockType::server_tool_result:
    case BlockType::mcp_tool_use:
    case BlockType::mcp_tool_result:
      count_raw(count, block.input_json.substr(0, kDigest));
      return count_raw(count, block.content_json.substr(0, kDigest));
    case BlockType::redacted_thinking:
      return;
    default:
      return count_raw(count, block.text_raw);
  }
}

void count_blocks(Count& count, const wire::MessagesRequest& request, const Block* first,
                  const Block* end, int depth) {
  if (depth > 3) return;
  for (; first != end; ++first) count_block(count, request, *first, depth);
}

void count_tool(Count& count, const wire::Tool& tool, bool spaces) {
  count.tokens += kPerTool;
  switch (tool_kind(tool.type_raw)) {
    case ToolKind::custom:
      break;
    case ToolKind::toolset:
      count.tokens += kToolsetTool;
      break;
    default:
      count.tokens += kBuiltinTool;
  }
  count_raw(count, tool.name_raw);
  count_raw(count, tool.description_raw);
  if (!spaces) return count_raw(count, tool.schema_json);
  std::string compact;
  wire::append_compact_json(compact, tool.schema_json);
  count_raw(count, compact);
}

// Of a list that was met before it is known.
std::int64_t tools_weight(const wire::MessagesRequest& request) {
  wire::ToolNotes* notes = request.tool_notes.get();
  if (notes != nullptr && notes->weight >= 0) return notes->weight;
  Count count;
  for (const wire::Tool& tool : request.tools) count_tool(count, tool, request.spaces);
  if (!request.tools.empty()) count.tokens += kAnyTool;
  if (notes != nullptr) notes->weight = count.weight();
  return count.weight();
}

}  // namespace

std::int64_t image_tokens(std::string_view base64) {
  const auto size = base64.empty() ? std::nullopt : image_size(base64);
  if (!size) return kImage;
  return std::min(kImage, (size->width * size->height + kPixelsPerToken - 1) / kPixelsPerToken);
}

std::int64_t pdf_tokens(std::string_view base64) {
  if (base64.empty()) return kPdfPage;
  if (const std::int64_t pages = pdf_pages(base64); pages > 0) return pages * kPdfPage;
  const auto bytes = static_cast<std::int64_t>(base64.size() / 4 * 3);
  return (bytes + kPdfBytesPerToken - 1) / kPdfBytesPerToken;
}

std::int64_t block_weight(const wire::MessagesRequest& request, const Block& block) {
  Count count;
  count_block(count, request, block, 0);
  return count.weight();
}

std::int64_t frame_weight(const wire::MessagesRequest& request) {
  Count count;
  count_blocks(count, request, request.system.data(), request.system.data() + request.system.size(),
               0);
  return count.weight() + tools_weight(request);
}

std::int64_t estimate_tokens(const wire::MessagesRequest& request) {
  Count count;
  count_blocks(count, request, request.blocks.data(), request.blocks.data() + request.blocks.size(),
               0);
  return tokens_of(frame_weight(request) + count.weight() +
                   kMessageWeight * static_cast<std::int64_t>(request.messages.size()));
}

}  // namespace clasp::translate
