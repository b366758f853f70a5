// Blocks of user turns and tool results as text and media parts.
#include "core/translate/content.h"

#include <span>

#include "base/text.h"
#include "core/translate/media.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

using wire::Block;
using wire::BlockType;

void add_text(const Destination& to, std::string_view raw, std::string_view cache_control = {}) {
  Part part = text_part(raw, to.glue);
  part.cache_control = cache_control;
  to.parts.push_back(part);
}

// The client's cache hint, where it has a place.
std::string_view cache_hint(const Translation& t, const Block& block) {
  const bool kept = t.dialect.cache_control || t.profile.cache_breakpoints;
  return kept ? block.cache_control_json : std::string_view();
}

void add_placeholder(Translation& t, const Destination& to, const Block& block,
                     std::string_view token, std::string_view text) {
  t.warn(token, block);
  add_text(to, t.keep_escaped(text));
}

// A medium the backend cannot take: the author of a new message is told, history is kept alive.
void omit(Translation& t, const Destination& to, const Block& block, std::string_view what,
          std::string_view why) {
  // Files that were uploaded to the original API are out of reach, whatever the backend takes.
  const bool uploaded = block.source_type_raw == "file";
  if (uploaded) why = "uploaded files are not available here, send the data as base64";
  if (to.may_refuse) {
    if (t.refused()) return;
    t.refuse(t.path_of(block) + (uploaded ? ".source.file_id" : ".source"),
             std::string(what).append(" cannot be sent to this backend: ").append(why));
    return;
  }
  add_placeholder(t, to, block, std::string(what) + "-omitted",
                  "[" + std::string(what).append(" omitted: ").append(why) + "]");
}

void add_media(Translation& t, const Destination& to, const Block& block, Part part,
               std::string_view what) {
  part.cache_control = cache_hint(t, block);
  part.glue = to.glue;
  const bool taken = part.kind == Part::Kind::image ? to.images_stay : to.files_stay;
  const bool stays = to.moved == nullptr || taken;
  if (stays) {
    to.parts.push_back(part);
    return;
  }
  to.moved->push_back(part);
  add_text(to, t.keep("[" + std::string(what) + " " + std::to_string(++*to.moved_count) +
                      " attached below]"));
}

// What was prepared for a block that cannot go as it is; nullptr when nothing was.
const Medium* find_medium(const Translation& t, const Block& block) {
  if (t.facts.media == nullptr) return nullptr;
  const auto want = wanted_medium(block, t.target, t.facts.media->abilities);
  return want ? t.facts.media->find({*want, block.data_raw}) : nullptr;
}

void add_image(Translation& t, const Block& block, const Destination& to) {
  if (!t.target.vision || (!t.dialect.images && !t.dialect.image_urls)) {
    add_placeholder(t, to, block, "image-omitted", "[image omitted: model has no vision]");
    return;
  }
  Part part;
  part.kind = Part::Kind::image;
  part.raw = block.data_raw;
  if (block.source_type_raw == "base64") {
    if (block.data_raw.empty() || !block.media_type_raw.starts_with("image/"))
      return omit(t, to, block, "image", "it has no data or no image type");
    if (!t.dialect.images) return omit(t, to, block, "image", "only image URLs are accepted");
    part.media_type = block.media_type_raw;
    return add_media(t, to, block, part, "image");
  }
  if (block.source_type_raw == "url" && !block.data_raw.empty()) {
    if (t.dialect.image_urls) return add_media(t, to, block, part, "image");
    const Medium* fetched = find_medium(t, block);
    if (fetched == nullptr)
      return omit(t, to, block, "image", "image URLs are not fetched, send the data as base64");
    if (fetched->state != Medium::State::ready)
      return omit(t, to, block, "image", fetched->problem);
    part.raw = fetched->raw;
    part.media_type = fetched->media_type;
    return add_media(t, to, block, part, "image");
  }
  omit(t, to, block, "image", "its source is not available here");
}

std::string xml_attribute(std::string_view text) {
  std::string out;
  for (char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out.push_back(c);
    }
  }
  return out;
}

// `<document title="…" context="…">` and a newline, ready for a JSON string.
std::string_view document_head(Translation& t, const Block& block) {
  std::string head = "<document";
  const auto attribute = [&head](std::string_view name, std::string_view raw) {
    if (!raw.empty())
      head.append(" ")
          .append(name)
          .append("=\"")
          .append(xml_attribute(decode_json_string(raw)))
          .append("\"");
  };
  attribute("title", block.title_raw);
  attribute("context", block.context_raw);
  return t.keep_escaped(head + ">\n");
}

constexpr std::string_view kDocumentTail = "\\n</document>";

void add_text_document(Translation& t, const Block& block, const Destination& to,
                       std::string_view raw) {
  Part part = text_part(raw, to.glue);
  part.before = document_head(t, block);
  part.after = kDocumentTail;
  part.cache_control = cache_hint(t, block);
  to.parts.push_back(part);
}

// A document that is itself a list of texts and images, in its order.
void add_block_document(Translation& t, const Block& block, const Destination& to) {
  const std::vector<Block> inner = wire::parse_content_blocks(block.content_json);
  add_text(to, document_head(t, block));
  // What is inside a document is no block that the client could leave out of its turn.
  Destination within = to;
  within.may_refuse = false;
  bool first = true;
  for (const Block& part : inner) {
    if (part.type == BlockType::text) {
      Part text = text_part(part.text_raw, first ? std::string_view() : kNewlineRaw);
      text.attached = to.parts.back().kind == Part::Kind::text;
      to.parts.push_back(text);
    } else if (part.type == BlockType::image) {
      add_image(t, part, within);
    }
    first = false;
  }
  Part tail = text_part("</document>", kNewlineRaw);
  tail.attached = to.parts.back().kind == Part::Kind::text;
  tail.cache_control = cache_hint(t, block);
  to.parts.push_back(tail);
}

std::string_view pdf_name(Translation& t, const Block& block) {
  std::string name;
  for (char c : decode_json_string(block.title_raw)) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '_' || c == ' ' || c == '-';
    if (good) name.push_back(c);
  }
  // Counted in order, so that a name stays with its document as history grows.
  ++t.documents;
  if (name.empty()) name = "document-" + std::to_string(t.documents) + ".pdf";
  return t.keep(std::move(name));
}

// A PDF of which only the text goes on, or nothing.
void add_read_document(Translation& t, const Block& block, const Destination& to,
                       const Medium& read) {
  if (read.state == Medium::State::failed) return omit(t, to, block, "document", read.problem);
  if (read.state == Medium::State::no_text)
    return add_placeholder(t, to, block, "document-omitted",
                           "[document omitted: it holds pictures only, no text]");
  t.warn(read.cut ? "document-cut" : "document-text", block);
  add_text_document(t, block, to, read.raw);
}

void add_document(Translation& t, const Block& block, const Destination& to) {
  if (block.citations) t.warn("citations", block);
  if (block.source_type_raw == "text") return add_text_document(t, block, to, block.data_raw);
  if (block.source_type_raw == "content") return add_block_document(t, block, to);
  Part part;
  part.kind = Part::Kind::file;
  part.raw = block.data_raw;
  part.filename = pdf_name(t, block);
  const bool known = !block.data_raw.empty() && t.target.vision;
  if (block.source_type_raw == "base64" && known && t.dialect.pdf_files) {
    part.media_type = block.media_type_raw.empty() ? "application/pdf" : block.media_type_raw;
    return add_media(t, to, block, part, "document");
  }
  if (block.source_type_raw == "url" && known && t.dialect.pdf_urls)
    return add_media(t, to, block, part, "document");
  if (const Medium* medium = find_medium(t, block)) {
    if (medium->state != Medium::State::ready || medium->media_type.empty())
      return add_read_document(t, block, to, *medium);
    part.raw = medium->raw;
    part.media_type = medium->media_type;
    return add_media(t, to, block, part, "document");
  }
  omit(t, to, block, "document", "this backend does not read such files");
}

// A result that answers no call: its content is kept as the user's words.
void add_orphan_result(Translation& t, const Block& block, const Destination& to) {
  t.warn("orphan-tool-result", block);
  Part head = text_part(
      t.keep_escaped("[Result of unknown tool call " + decode_json_string(block.id_raw) + "]"),
      to.glue);
  to.parts.push_back(head);
  std::vector<Part> content;
  Destination inner{content, kNewlineRaw};
  add_tool_result(t, block, inner);
  for (Part& part : content) {
    if (part.kind == Part::Kind::text && to.parts.back().kind == Part::Kind::text) {
      part.attached = true;
      part.glue = kNewlineRaw;
    }
    to.parts.push_back(part);
  }
}

void add_unknown(Translation& t, const Block& block, const Destination& to) {
  if (block.has_text && !block.text_raw.empty()) {
    add_text(to, block.text_raw, cache_hint(t, block));
    return;
  }
  const std::string type = decode_json_string(block.type_raw);
  add_placeholder(t, to, block, "block:" + type, "[unsupported content: " + type + "]");
}

// Blocks of a tool result that are told in words.
bool has_digest(const Block& block) {
  return block.type == BlockType::search_result || block.type == BlockType::tool_reference ||
         block.type_raw == "browser_state";
}

// Chat Completions has no flag for a failed tool: the text says it.
void mark_error(Translation& t, std::vector<Part>& parts, std::size_t start) {
  const Part& first = parts[start];
  if (first.kind != Part::Kind::text) {
    parts.insert(parts.begin() + static_cast<std::ptrdiff_t>(start),
                 text_part("Error:", first.glue));
    return;
  }
  const std::string_view begin = first.before.empty() ? first.raw : first.before;
  if (iequals(begin.substr(0, 5), "error")) return;
  parts[start].before = first.before.empty() ? std::string_view("Error: ")
                                             : t.keep("Error: " + std::string(first.before));
}

constexpr int kMostNested = 2;  // results in results

void add_result_content(Translation& t, const Block& result, std::span<const Block> content,
                        const Destination& to, int depth);

void add_result_part(Translation& t, const Block& part, const Destination& to, int depth) {
  if (part.type == BlockType::tool_result && depth < kMostNestedResults) {
    // What a tool passed on of another one says as much as its own words.
    const std::vector<Block> inner = wire::parse_content_blocks(part.content_json);
    return add_result_content(t, part, inner, to, depth + 1);
  }
  if (part.type == BlockType::tool_result)
    return add_placeholder(t, to, part, "block:tool_result", "[unsupported content: tool_result]");
  if (has_digest(part)) {
    const std::string text = digest_block(part);
    if (!text.empty()) add_text(to, t.keep_escaped(text));
  } else if (part.type != BlockType::text) {
    add_user_block(t, part, to);
  } else if (!part.text_raw.empty()) {
    add_text(to, part.text_raw, cache_hint(t, part));
  }
}

void add_result_content(Translation& t, const Block& result, std::span<const Block> content,
                        const Destination& to, int depth) {
  const std::size_t start = to.parts.size();
  if (content.empty() && result.has_text && !result.text_raw.empty()) add_text(to, result.text_raw);
  for (const Block& part : content) add_result_part(t, part, to, depth);
  if (to.parts.size() == start) {
    if (result.is_error) add_text(to, "Error: (no output)");
    return;
  }
  if (result.is_error) mark_error(t, to.parts, start);
  if (const std::string_view hint = cache_hint(t, result); !hint.empty())
    to.parts.back().cache_control = hint;
}

}  // namespace

std::string_view text_of(Translation& t, std::string_view raw) {
  if (raw.find('\\') == std::string_view::npos) return raw;
  return t.keep(decode_json_string(raw));
}

void add_user_block(Translation& t, const Block& block, const Destination& to) {
  switch (block.type) {
    case BlockType::text:
      return add_text(to, block.text_raw, cache_hint(t, block));
    case BlockType::image:
      return add_image(t, block, to);
    case BlockType::document:
      return add_document(t, block, to);
    case BlockType::tool_result:
      return add_orphan_result(t, block, to);
    case BlockType::thinking:
    case BlockType::redacted_thinking:
      return t.warn("misplaced:thinking", block);
    case BlockType::tool_use:
    case BlockType::server_tool_use:
    case BlockType::server_tool_result:
    case BlockType::mcp_tool_use:
    case BlockType::mcp_tool_result: {
      const std::string type = decode_json_string(block.type_raw);
      return add_placeholder(t, to, block, "misplaced:" + type,
                             "[misplaced content: " + type + "]");
    }
    case BlockType::container_upload:
      return add_placeholder(t, to, block, "block:container_upload",
                             "[uploaded file: not available to this model]");
    case BlockType::search_result:
    case BlockType::tool_reference: {
      const std::string text = digest_block(block);
      if (!text.empty()) add_text(to, t.keep_escaped(text), cache_hint(t, block));
      return;
    }
    case BlockType::compaction: {
      if (!block.has_text)
        return add_placeholder(t, to, block, "block:compaction",
                               "[summary of the earlier conversation: not readable here]");
      Part part = text_part(block.text_raw, to.glue);
      part.before = "[Summary of the earlier conversation]\\n";
      to.parts.push_back(part);
      return;
    }
    case BlockType::tool_addition:
    case BlockType::tool_removal:
    case BlockType::ignored:
      return;
    case BlockType::unknown:
      return add_unknown(t, block, to);
  }
}

void add_tool_result(Translation& t, const Block& result, const Destination& to) {
  const auto* children = t.request.children.data();
  add_result_content(t, result, {children + result.first_child, children + result.end_child}, to,
                     0);
}

}  // namespace clasp::translate
