// Reading what Chat chunks and Responses events share.
#include "core/wire/openai_shared.h"

#include <algorithm>

namespace clasp::wire {

namespace {

// Some servers send a counter under two names and leave one of them at 0: the larger one counts.
void keep_larger(std::int64_t& counter, od::value& value) {
  counter = std::max(counter, std::min(take_count(value), kMostTokens));
}

constexpr Member<ChatUsage> kInputDetails[] = {
    {"cached_tokens", [](od::value& v, ChatUsage& u) { keep_larger(u.cached, v); }},
    {"cache_write_tokens", [](od::value& v, ChatUsage& u) { keep_larger(u.cache_write, v); }},
};
constexpr Member<ChatUsage> kOutputDetails[] = {
    {"reasoning_tokens", [](od::value& v, ChatUsage& u) { keep_larger(u.reasoning, v); }},
};
constexpr Member<ChatUsage> kServerTools[] = {
    {"web_search_requests", [](od::value& v, ChatUsage& u) { keep_larger(u.web_searches, v); }},
};
// The two spellings of each counter: Chat's and the newer one some servers use here too.
constexpr Member<ChatUsage> kUsage[] = {
    {"prompt_tokens", [](od::value& v, ChatUsage& u) { keep_larger(u.prompt, v); }},
    {"completion_tokens", [](od::value& v, ChatUsage& u) { keep_larger(u.completion, v); }},
    {"total_tokens", [](od::value& v, ChatUsage& u) { keep_larger(u.total, v); }},
    {"input_tokens", [](od::value& v, ChatUsage& u) { keep_larger(u.prompt, v); }},
    {"output_tokens", [](od::value& v, ChatUsage& u) { keep_larger(u.completion, v); }},
    {"prompt_tokens_details", [](od::value& v, ChatUsage& u) { walk_value(v, kInputDetails, u); }},
    {"input_tokens_details", [](od::value& v, ChatUsage& u) { walk_value(v, kInputDetails, u); }},
    {"completion_tokens_details",
     [](od::value& v, ChatUsage& u) { walk_value(v, kOutputDetails, u); }},
    {"output_tokens_details", [](od::value& v, ChatUsage& u) { walk_value(v, kOutputDetails, u); }},
    {"prompt_cache_hit_tokens", [](od::value& v, ChatUsage& u) { keep_larger(u.cached, v); }},
    {"cached_tokens", [](od::value& v, ChatUsage& u) { keep_larger(u.cached, v); }},
    {"reasoning_tokens", [](od::value& v, ChatUsage& u) { keep_larger(u.reasoning, v); }},
    {"server_tool_use", [](od::value& v, ChatUsage& u) { walk_value(v, kServerTools, u); }},
};

struct AnnotationFields {
  ChatAnnotation annotation;
  RawField type;
};
constexpr Member<AnnotationFields> kUrlCitation[] = {
    {"url", [](od::value& v, AnnotationFields& a) { a.annotation.url = take_raw(v); }},
    {"title", [](od::value& v, AnnotationFields& a) { a.annotation.title = take_raw(v); }},
    {"content", [](od::value& v, AnnotationFields& a) { a.annotation.content = take_raw(v); }},
    {"start_index", [](od::value& v, AnnotationFields& a) { a.annotation.start = take_count(v); }},
    {"end_index", [](od::value& v, AnnotationFields& a) { a.annotation.end = take_count(v); }},
};
// Two spellings: the members in an object of their own, or beside the type, as the newer API of
// OpenAI has them and servers that translate from it.
constexpr Member<AnnotationFields> kAnnotation[] = {
    {"type", [](od::value& v, AnnotationFields& a) { a.type = take_raw(v); }},
    {"url_citation", [](od::value& v, AnnotationFields& a) { walk_value(v, kUrlCitation, a); }},
    kUrlCitation[0],
    kUrlCitation[1],
    kUrlCitation[2],
    kUrlCitation[3],
    kUrlCitation[4],
};

}  // namespace

void take_usage(od::value& value, ChatUsage& into) {
  if (!is_type(value, od::json_type::object)) return;
  ChatUsage usage;
  walk_value(value, kUsage, usage);
  usage.present = true;
  into = usage;
}

std::optional<ChatAnnotation> take_url_citation(od::value& value) {
  AnnotationFields fields;
  walk_value(value, kAnnotation, fields);
  if (fields.type.raw != "url_citation" || !fields.annotation.url) return std::nullopt;
  return fields.annotation;
}

// Gives back memory that only a huge text needed, and makes room behind this one.
std::string_view ObjectParser::prepare(std::string_view json, std::size_t& slack) {
  if (parser_.capacity() > kKeepCapacity && json.size() <= kKeepCapacity) parser_ = od::parser();
  if (scratch_.capacity() > kKeepCapacity) scratch_ = std::string();
  if (scrubbed_.capacity() > kKeepCapacity && json.data() != scrubbed_.data())
    scrubbed_ = std::string();
  if (slack >= simdjson::SIMDJSON_PADDING) return json;
  scratch_.reserve(json.size() + simdjson::SIMDJSON_PADDING);
  scratch_.assign(json);
  slack = simdjson::SIMDJSON_PADDING;
  return scratch_;
}

}  // namespace clasp::wire
