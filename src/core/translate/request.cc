// The order of a request's translation: what is refused at once, tools, reasoning, messages, and
// then the body, written front to back.
#include "core/translate/request.h"

#include <algorithm>

#include "base/text.h"
#include "core/translate/compaction.h"
#include "core/translate/content.h"
#include "core/translate/context_edits.h"
#include "core/translate/extra_members.h"
#include "core/translate/identity.h"
#include "core/translate/messages.h"
#include "core/translate/overflow.h"
#include "core/translate/request_members.h"
#include "core/translate/responses_input.h"
#include "core/translate/responses_request.h"
#include "core/translate/thinking.h"
#include "core/translate/tools.h"
#include "core/translate/translation.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

using wire::ThinkingKind;

constexpr std::string_view kNarrowVersion = "2026-10-21";

// ---- fields that are refused or only warned about ----------------------------------------------

void check_thread(Translation& t) {
  if (t.request.thread_json.empty()) return;
  const bool goes_on = wire::json_member(t.request.thread_json, "continue").has_value() ||
                       wire::json_string_member(t.request.thread_json, "type") == "continue";
  if (!goes_on) return;
  wire::ApiError error;
  error.status = 404;
  error.type = wire::ErrorType::not_found;
  error.message = "thread: this proxy keeps no threads; send the whole conversation";
  error.details_code = "thread_not_found";
  t.refuse(std::move(error));
}

void check_container(Translation& t) {
  const std::string_view container = t.request.container_json;
  if (container.empty()) return;
  const auto skills = wire::json_member(container, "skills");
  if (skills && skills->front() == '[' && !trim(skills->substr(1, skills->size() - 2)).empty())
    return t.refuse("container.skills", "skills are not available on this backend");
  t.warn("container", "container");
}

void check_version(Translation& t) {
  const std::string& version = t.facts.anthropic_version;
  if (version.empty() || version == "2023-06-01") return;
  if (version != kNarrowVersion) {
    t.warn("anthropic-version", "anthropic-version");
    return;
  }
  const auto& request = t.request;
  for (const auto& [json, name] :
       {std::pair(request.temperature_json, "temperature"), std::pair(request.top_p_json, "top_p"),
        std::pair(request.top_k_json, "top_k")})
    if (!json.empty()) t.warn("relaxed-2026-10-21", name);
  for (const wire::Message& message : request.messages)
    for (std::uint32_t i = message.first_block; i < message.end_block; ++i)
      if (message.role == wire::Role::user && request.blocks[i].has_citations)
        t.warn("relaxed-2026-10-21", request.blocks[i]);
}

void check_geo(Translation& t) {
  if (t.request.inference_geo_raw.empty() || t.target.geo_served) return;
  if (t.target.geo_enforce)
    return t.refuse("inference_geo", "no backend of this proxy serves this region");
  t.warn("inference-geo", "inference_geo");
}

// A backend that cuts a long prompt in silence would answer another question than was asked.
void check_context(Translation& t) {
  const std::int64_t window = t.target.context_window;
  if (!t.dialect.guard_context || window <= 0) return;
  const std::int64_t estimate = t.reply.input_estimate.tokens();
  if (estimate <= window) return;
  wire::ApiError error = wire::refuse_request(render_overflow({}, estimate, window));
  error.should_retry = false;
  t.refuse(std::move(error));
}

void check_prewarm(Translation& t) {
  if (t.request.max_tokens != 0) return;
  const bool thinks =
      t.request.thinking != ThinkingKind::absent && t.request.thinking != ThinkingKind::disabled;
  if (t.request.stream) t.refuse("max_tokens", "0 cannot be combined with stream");
  if (thinks) t.refuse("max_tokens", "0 cannot be combined with thinking");
  if (!t.request.output_format_json.empty())
    t.refuse("max_tokens", "0 cannot be combined with output_config.format");
}

void check_envelope(Translation& t) {
  check_prewarm(t);
  check_thread(t);
  check_container(t);
  check_version(t);
  check_geo(t);
  if (t.request.fallbacks) t.warn("fallbacks", "fallbacks");
  for (const std::string& name : t.request.unknown_fields) t.warn("unknown:" + name, name);
}

// ---- members of the body ------------------------------------------------------------------------

void append_stream(std::string& out, const Translation& t) {
  const Adjustments* learned = t.target.adjustments;
  const bool only = learned != nullptr && learned->stream_only;
  const bool never = learned != nullptr && learned->no_stream;
  if (never || !(t.request.stream || only)) return;
  out.append(",\"stream\":true");
  if (!t.dialect.stream_options) return;
  out.append(",\"stream_options\":{\"include_usage\":true");
  if (t.dialect.include_obfuscation) out.append(",\"include_obfuscation\":false");
  out.push_back('}');
}

void append_cap(std::string& out, const Translation& t, const ReasoningPlan& reasoning) {
  out.append(t.profile.cap == CapField::max_tokens ? ",\"max_tokens\":"
                                                   : ",\"max_completion_tokens\":");
  out.append(std::to_string(output_cap(t, reasoning)));
}

void choose_hints(const Translation& t, ToolPlan& tools, Plan& plan) {
  if (!t.dialect.cache_control && !t.profile.cache_breakpoints) return;
  std::vector<std::string_view*> slots;
  for (PlannedTool& tool : tools.tools) slots.push_back(&tool.cache_control);
  for (PlannedMessage& message : plan.messages)
    for (Part& part : message.parts) slots.push_back(&part.cache_control);
  limit_cache_hints(slots);
}

void fill_reply(Translation& t) {
  ReplyContext& reply = t.reply;
  reply.dialect = t.target.dialect;
  reply.api = t.target.api;
  reply.replay = t.profile.replay;
  reply.policy_as_error = t.dialect.policy_as_error;
  reply.requested_model = t.request.model;
  reply.backend_model = t.target.model;
  reply.backend_hash = t.target.base_url_hash;
  reply.compaction = !t.request.compaction_json.empty();
  // Anthropic's SDK marks a beta call only if betas were named; fields of the beta API tell as
  // well.
  reply.beta = t.facts.beta || reply.compaction || !t.request.context_management_json.empty();
  reply.thinking_disabled = t.request.thinking == ThinkingKind::disabled || reply.compaction;
  reply.thinking_omitted = wire::raw_equals(t.request.thinking_display_raw, "omitted");
  reply.max_tokens = t.request.max_tokens.value_or(0);
  reply.context_window = t.target.context_window;
  reply.input_estimate =
      InputEstimate([request = &t.request] { return estimate_tokens(*request); });
}

std::size_t expected_size(const wire::MessagesRequest& request) {
  std::size_t size = 2048;
  for (const auto* list : {&request.blocks, &request.system})
    for (const wire::Block& block : *list) size += block.json.size() + 64;
  for (const wire::Tool& tool : request.tools) size += tool.json.size() + 96;
  return size;
}

// Without the members that the backend was found not to know.
std::string finished(std::string body, const Translation& t) {
  const Adjustments* learned = t.target.adjustments;
  if (learned == nullptr || learned->drop_fields.empty()) return body;
  return without_fields(std::move(body), learned->drop_fields);
}

std::string write_body(Translation& t) {
  ToolPlan tools = plan_tools(t);
  const ReasoningPlan reasoning = plan_reasoning(t, tools);
  std::string format;
  std::string extra_system = append_output_format(format, t, !tools.empty());
  if (!tools.full_descriptions.empty()) {
    if (!extra_system.empty()) extra_system.append(kBlankLineRaw);
    extra_system.append(tools.full_descriptions);
  }
  std::string members;
  Plan plan = plan_messages(t, reasoning, extra_system, members);
  if (t.refused()) return {};

  std::string out;
  out.reserve(expected_size(t.request));
  if (t.target.api == Api::responses) {
    // Before hints are limited: where the prompt stands must not change with their number.
    const bool instructions = has_instructions(plan);
    choose_hints(t, tools, plan);
    append_responses_body(out, t, {tools, reasoning, plan, instructions, format});
    return finished(std::move(out), t);
  }
  choose_hints(t, tools, plan);
  out.append("{\"model\":");
  append_json_string(out, t.target.model);
  out.append(",\"messages\":");
  append_messages(out, t, plan);
  append_tools(out, t, tools);
  const std::size_t behind_tools = out.size();
  append_cap(out, t, reasoning);
  append_reasoning(out, t, reasoning);
  append_sampling(out, t, reasoning);
  append_stop(out, t);
  out.append(format).append(members);
  append_identity(out, t);
  append_tier(out, t);
  if (t.dialect.cache_control && !t.request.cache_control_json.empty())
    append_cache_control(out, t.request.cache_control_json);
  if (wants_long_cache(t, plan)) out.append(",\"prompt_cache_options\":{\"ttl\":\"12h\"}");
  append_stream(out, t);
  append_extra(out, t, tools.search_members, behind_tools);
  out.push_back('}');
  return finished(std::move(out), t);
}

constexpr std::int64_t kLeastCompaction = 1000;  // tokens; less is refused

// The request as it is meant: with the edits of its context, or as the call that makes a summary.
struct Meant {
  ContextEdits edits;
  std::int64_t compact_at = 0;  // the backend shortens what is longer, 0: nothing
  bool other_edits = false;
};

Result<Meant, wire::ApiError> find_meaning(const wire::MessagesRequest& request,
                                           const Dialect& dialect, Api api) {
  Meant meant;
  if (!request.compaction_json.empty()) {
    auto summary = compaction_request(request);
    if (!summary) return tl::unexpected(summary.error());
    meant.edits.request = std::move(*summary);
  } else if (!request.context_management_json.empty()) {
    const auto options = parse_context_options(request.context_management_json);
    if (!options) return tl::unexpected(options.error());
    meant.edits = edit_context(request, *options, dialect);
    const bool compacts = dialect.compaction && api == Api::responses;
    if (options->compact && compacts)
      meant.compact_at = std::max(options->compact->trigger, kLeastCompaction);
    meant.other_edits = options->others || (options->compact && !compacts);
  }
  return meant;
}

}  // namespace

Result<TokenCount, wire::ApiError> count_tokens(const wire::MessagesRequest& request,
                                                const Dialect& dialect) {
  TokenCount count;
  count.input_tokens = estimate_tokens(request);
  if (request.context_management_json.empty()) return count;
  const auto options = parse_context_options(request.context_management_json);
  if (!options) return tl::unexpected(options.error());
  const ContextEdits edits = edit_context(request, *options, dialect);
  count.original_input_tokens = count.input_tokens;
  if (edits.request) count.input_tokens = estimate_tokens(*edits.request);
  return count;
}

ReplyContext begin_reply_context(const wire::MessagesRequest& request, const Target& target,
                                 const RequestFacts& facts) {
  Translation t(request, target, facts);
  fill_reply(t);
  return std::move(t.reply);
}

Result<TranslatedRequest, wire::ApiError> translate_request(const wire::MessagesRequest& request,
                                                            const Target& target,
                                                            const RequestFacts& facts) {
  const auto meant = find_meaning(request,
                                  request.context_management_json.empty()
                                      ? *target.dialect
                                      : with_family_replay(*target.dialect, target.model),
                                  target.api);
  if (!meant) return tl::unexpected(meant.error());
  const ContextEdits& edits = meant->edits;
  Translation t(edits.request ? *edits.request : request, target, facts);
  t.compact_at = meant->compact_at;
  t.thinking_from = t.request.blocks.data() + edits.thinking_from;
  check_envelope(t);
  if (meant->other_edits) t.warn("context-management", "context_management.edits");
  TranslatedRequest result;
  result.answer_without_call = request.max_tokens == 0 && !prewarms(t);
  fill_reply(t);
  if (edits.request) t.reply.input_estimate.tokens();  // of what is gone soon
  t.reply.context_management_json = edits.applied_json;
  check_context(t);
  if (!t.refused()) result.body = write_body(t);
  if (t.refused()) return tl::unexpected<wire::ApiError>(t.error());
  if (result.answer_without_call) result.body.clear();
  result.reply = std::move(t.reply);
  result.warnings = std::move(t.warnings);
  return result;
}

}  // namespace clasp::translate
