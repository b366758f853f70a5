// Cutting text at the ends of cited spans. Offsets count code points.
#include "core/translate/citations.h"

#include <jansson.h>

#include <algorithm>
#include <map>
#include <memory>

#include "base/text.h"
#include "core/translate/raw_string.h"
#include "core/translate/reasoning_state.h"

namespace clasp::translate {

namespace {

constexpr std::size_t kMaxCited = 150;      // code points
constexpr std::size_t kMaxCitations = 200;  // of one list

bool is_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// Byte offset of the code point number `index`; npos when the text is shorter.
std::size_t byte_offset(std::string_view text, std::int64_t index) {
  if (index < 0) return std::string_view::npos;
  std::size_t at = 0;
  for (; index > 0 && at < text.size(); --index) {
    ++at;
    while (at < text.size() && is_continuation(text[at])) ++at;
  }
  return index == 0 ? at : std::string_view::npos;
}

std::string_view shorten(std::string_view text) {
  const std::size_t end = byte_offset(text, kMaxCited);
  return end == std::string_view::npos ? text : text.substr(0, end);
}

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

}  // namespace

std::string render_citation(const ReplyContext& context, std::string_view url_raw,
                            std::string_view title_raw, std::string_view cited) {
  std::string out = "{\"type\":\"web_search_result_location\",\"url\":";
  append_clean_string(out, url_raw);
  out.append(",\"title\":");
  if (title_raw.empty())
    out.append("null");
  else
    append_clean_string(out, title_raw);
  out.append(",\"cited_text\":");
  append_json_string(out, shorten(cited));
  out.append(",\"encrypted_index\":");
  append_json_string(out, ReasoningState::render_tag(context));
  out.push_back('}');
  return out;
}

std::vector<CitedPiece> split_by_citations(const ReplyContext& context, std::string_view text,
                                           const std::vector<wire::ChatAnnotation>& annotations) {
  // Citations by the byte where their span ends; npos: wherever the text ends.
  std::map<std::size_t, std::vector<std::string>> ends;
  std::size_t count = 0;
  for (const wire::ChatAnnotation& annotation : annotations) {
    if (++count > kMaxCitations) break;
    const std::size_t first = byte_offset(text, annotation.start);
    std::size_t end = byte_offset(text, annotation.end);
    std::string cited;
    if (first >= end || end == std::string_view::npos)
      end = text.size();
    else
      cited.assign(text.substr(first, end - first));
    if (!annotation.content.empty()) cited = decode_raw(annotation.content.raw);
    ends[end].push_back(render_citation(context, annotation.url.raw, annotation.title.raw, cited));
  }
  std::vector<CitedPiece> pieces;
  std::size_t at = 0;
  for (auto& [end, citations] : ends) {
    pieces.push_back({std::string(text.substr(at, end - at)), std::move(citations)});
    at = end;
  }
  if (at < text.size()) pieces.push_back({std::string(text.substr(at)), {}});
  return pieces;
}

std::vector<WebSource> read_source_list(std::string_view json) {
  std::vector<WebSource> out;
  const std::unique_ptr<json_t, decltype(&json_decref)> list(
      json_loadb(json.data(), json.size(), JSON_ALLOW_NUL, nullptr), &json_decref);
  std::size_t i = 0;
  json_t* entry = nullptr;
  json_array_foreach(list.get(), i, entry) {
    json_t* url = json_is_object(entry) ? json_object_get(entry, "url") : entry;
    if (!json_is_string(url) || out.size() >= kMaxCitations) continue;
    std::string raw, title;
    append_json_escaped(raw, std::string_view(json_string_value(url), json_string_length(url)));
    if (json_t* t = json_is_object(entry) ? json_object_get(entry, "title") : nullptr;
        json_is_string(t))
      append_json_escaped(title, std::string_view(json_string_value(t), json_string_length(t)));
    out.push_back({std::move(raw), std::move(title)});
  }
  return out;
}

void WebSources::add(std::string_view url_raw, std::string_view title_raw) {
  if (url_raw.empty() || sources_.size() >= kMaxCitations) return;
  if (addresses_.emplace(url_raw).second)
    sources_.push_back({std::string(url_raw), std::string(title_raw)});
}

std::vector<std::string> WebSources::render_blocks(const ReplyContext& context,
                                                   std::string_view id) const {
  std::string use = R"({"type":"server_tool_use","id":)";
  append_json_string(use, id);
  // The backend does not tell what it searched for.
  use.append(R"(,"name":"web_search","input":{},"caller":{"type":"direct"}})");
  std::string result = R"({"type":"web_search_tool_result","tool_use_id":)";
  append_json_string(result, id);
  result.append(R"(,"caller":{"type":"direct"},"content":[)");
  const std::string tag = ReasoningState::render_tag(context);
  for (const WebSource& source : sources_) {
    if (result.back() != '[') result.push_back(',');
    result.append(R"({"type":"web_search_result","url":)");
    append_clean_string(result, source.url_raw);
    result.append(R"(,"title":)");
    append_clean_string(result, source.title_raw.empty() ? source.url_raw : source.title_raw);
    result.append(R"(,"encrypted_content":)");
    append_json_string(result, tag);
    result.append(R"(,"page_age":null})");
  }
  result.append("]}");
  return {std::move(use), std::move(result)};
}

}  // namespace clasp::translate
