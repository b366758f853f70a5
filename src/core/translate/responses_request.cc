// See responses_request.h. Nothing is kept at the backend: every request carries the whole
// conversation, and reasoning goes to and fro as sealed items.
#include "core/translate/responses_request.h"

#include <algorithm>

#include "base/text.h"
#include "core/translate/extra_members.h"
#include "core/translate/identity.h"
#include "core/translate/request_members.h"
#include "core/translate/responses_input.h"

namespace clasp::translate {

namespace {

constexpr std::int64_t kLeastCap = 16;  // less is refused

void append_cap(std::string& out, Translation& t, const ReasoningPlan& reasoning) {
  const std::int64_t cap = prewarms(t) ? 0 : output_cap(t, reasoning);
  t.reply.cap_raised = cap < kLeastCap;
  out.append(",\"max_output_tokens\":").append(std::to_string(std::max(cap, kLeastCap)));
}

// What the reply is to hold besides its text.
void append_include(std::string& out, const Translation& t) {
  std::string list;
  // A model that is known not to think refuses to seal its thoughts.
  if (!t.profile.no_reasoning) list.append("\"reasoning.encrypted_content\"");
  if (t.reply.web_search && t.profile.web_search == WebSearch::native)
    list.append(list.empty() ? "" : ",").append("\"web_search_call.action.sources\"");
  if (!list.empty()) out.append(",\"include\":[").append(list).push_back(']');
}

void append_cache_options(std::string& out, const Translation& t, const Plan& plan) {
  const bool long_life = wants_long_cache(t, plan);
  const bool prewarm = prewarms(t);
  if (!long_life && !prewarm) return;
  out.append(",\"prompt_cache_options\":{");
  if (long_life) out.append("\"ttl\":\"12h\"");
  if (prewarm) out.append(long_life ? ",\"prewarm\":true" : "\"prewarm\":true");
  out.push_back('}');
}

void append_compaction(std::string& out, const Translation& t) {
  if (t.compact_at == 0) return;
  out.append(",\"context_management\":[{\"type\":\"compaction\",\"compact_threshold\":")
      .append(std::to_string(t.compact_at))
      .append("}]");
}

void append_stream(std::string& out, const Translation& t) {
  const Adjustments* learned = t.target.adjustments;
  const bool only = learned != nullptr && learned->stream_only;
  const bool never = learned != nullptr && learned->no_stream;
  if (never || !(t.request.stream || only)) return;
  out.append(",\"stream\":true");
  if (t.dialect.include_obfuscation)
    out.append(",\"stream_options\":{\"include_obfuscation\":false}");
}

// There is no field for stop sequences.
void watch_for_stops(Translation& t) {
  for (const std::string& stop : t.request.stop_sequences)
    if (!trim(stop).empty()) t.reply.stop_sequences.push_back(stop);
  t.reply.local_stops = t.reply.stop_sequences;
}

}  // namespace

bool prewarms(const Translation& t) {
  return t.target.api == Api::responses && t.request.max_tokens == 0 &&
         t.profile.cache_breakpoints && t.dialect.openai_families;
}

void append_responses_body(std::string& out, Translation& t, const ResponsesBody& body) {
  out.append("{\"model\":");
  append_json_string(out, t.target.sent_name.empty() ? t.target.model : t.target.sent_name);
  if (body.instructions) append_instructions(out, body.plan);
  out.append(",\"input\":");
  append_input(out, t, body.plan, body.instructions);
  append_response_tools(out, t, body.tools);
  const std::size_t behind_tools = out.size();
  append_cap(out, t, body.reasoning);
  append_response_reasoning(out, t, body.reasoning);
  append_include(out, t);
  out.append(",\"store\":false,\"truncation\":\"disabled\"");
  append_sampling(out, t, body.reasoning);
  watch_for_stops(t);
  out.append(body.format);
  append_identity(out, t);
  append_tier(out, t);
  append_cache_options(out, t, body.plan);
  append_compaction(out, t);
  append_stream(out, t);
  append_extra(out, t, {}, behind_tools);
  out.push_back('}');
}

}  // namespace clasp::translate
