// The order of a request's translation: what is refused at once, tools, reasoning, messages, and
// then the body, written front to back.
#include "core/translate/request.h"

#include <algorithm>
#include <charconv>

#include "base/text.h"
#include "core/translate/compaction.h"
#include "core/translate/content.h"
#include "core/translate/context_edits.h"
#include "core/translate/extra_members.h"
#include "core/translate/identity.h"
#include "core/translate/messages.h"
#include "core/translate/overflow.h"
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
  if (!t.dialect.guard_context || window <= 0 || t.reply.input_estimate <= window) return;
  wire::ApiError error = wire::refuse_request(render_overflow({}, t.reply.input_estimate, window));
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

double number_of(std::string_view json) {
  double value = 0;
  const auto end = std::from_chars(json.data(), json.data() + json.size(), value);
  // Beyond what a double holds: it goes out as it came, and is neither 0 nor 1.
  return end.ec == std::errc() ? value : 2;
}

void append_number(std::string& out, std::string_view name, std::string_view json) {
  if (!json.empty()) out.append(",\"").append(name).append("\":").append(json);
}

void append_sampling(std::string& out, Translation& t, const ReasoningPlan& reasoning) {
  std::string_view temperature = t.request.temperature_json, top_p = t.request.top_p_json;
  const bool off = reasoning.level == Effort::none;
  const bool taken = t.profile.sampling || (t.profile.sampling_when_off && off);
  if (!taken) {
    for (const auto& [json, name] :
         {std::pair(temperature, "temperature"), std::pair(top_p, "top_p")})
      if (!json.empty() && number_of(json) != 1) t.warn("sampling-dropped", name);
    temperature = top_p = {};
  }
  // Ignored there while thinking.
  if (t.profile.reasoning == ReasoningRequest::thinking_object && reasoning.on)
    temperature = top_p = {};
  if (t.dialect.mistral_sampling && !temperature.empty() && number_of(temperature) == 0 &&
      !top_p.empty() && number_of(top_p) < 1)
    top_p = {};
  append_number(out, "temperature", temperature);
  append_number(out, "top_p", top_p);
  if (t.request.top_k_json.empty()) return;
  if (t.dialect.top_k) {
    append_number(out, "top_k", t.request.top_k_json);
  } else {
    t.warn("top-k-dropped", "top_k");
  }
}

void append_stop(std::string& out, Translation& t) {
  std::vector<std::string>& all = t.reply.stop_sequences;
  for (const std::string& stop : t.request.stop_sequences)
    if (!trim(stop).empty()) all.push_back(stop);
  if (all.empty()) return;
  const int limit = t.profile.max_stop;
  if (limit >= 0 && all.size() > static_cast<std::size_t>(limit)) {
    t.reply.local_stops = all;
    return;
  }
  out.append(",\"stop\":[");
  for (const std::string& stop : all) {
    if (&stop != all.data()) out.push_back(',');
    append_json_string(out, stop);
  }
  out.push_back(']');
  if (t.dialect.hide_stop) out.append(",\"include_stop_str_in_output\":false");
}

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

void append_tier(std::string& out, Translation& t) {
  if (wire::raw_equals(t.request.speed_raw, "fast")) {
    if (t.dialect.fast_tier && t.dialect.priority_tier) {
      t.reply.fast = true;
      out.append(",\"service_tier\":\"priority\"");
      return;
    }
    t.warn("speed", "speed");
  }
  if (!wire::raw_equals(t.request.service_tier_raw, "standard_only")) return;
  if (t.dialect.standard_tier == StandardTier::default_tier)
    out.append(",\"service_tier\":\"default\"");
  if (t.dialect.standard_tier == StandardTier::on_demand)
    out.append(",\"service_tier\":\"on_demand\"");
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
  reply.input_estimate = estimate_tokens(t.request);
}

std::size_t expected_size(const wire::MessagesRequest& request) {
  std::size_t size = 2048;
  for (const auto* list : {&request.blocks, &request.system})
    for (const wire::Block& block : *list) size += block.json.size() + 64;
  for (const wire::Tool& tool : request.tools) size += tool.json.size() + 96;
  return size;
}

// Keeps the prompt longer where one of its hints asks for an hour.
void append_long_cache(std::string& out, const Translation& t, const Plan& plan) {
  if (!t.dialect.long_cache || !t.profile.cache_breakpoints) return;
  for (const PlannedMessage& message : plan.messages)
    for (const Part& part : message.parts)
      if (wire::json_string_member(part.cache_control, "ttl") == "1h") {
        out.append(",\"prompt_cache_options\":{\"ttl\":\"12h\"}");
        return;
      }
}

std::string write_body(Translation& t) {
  ToolPlan tools = plan_tools(t);
  const ReasoningPlan reasoning = plan_reasoning(t, tools.forced());
  std::string format;
  std::string extra_system = append_output_format(format, t, !tools.tools.empty());
  if (!tools.full_descriptions.empty()) {
    if (!extra_system.empty()) extra_system.append(kBlankLineRaw);
    extra_system.append(tools.full_descriptions);
  }
  std::string members;
  Plan plan = plan_messages(t, reasoning, extra_system, members);
  if (t.refused()) return {};
  choose_hints(t, tools, plan);

  std::string out;
  out.reserve(expected_size(t.request));
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
  append_long_cache(out, t, plan);
  append_stream(out, t);
  append_extra(out, t, tools.search_members, behind_tools);
  out.push_back('}');
  const Adjustments* learned = t.target.adjustments;
  if (learned == nullptr || learned->drop_fields.empty()) return out;
  return without_fields(std::move(out), learned->drop_fields);
}

// The request as it is meant: with the edits of its context, or as the call that makes a summary.
struct Meant {
  ContextEdits edits;
  bool other_edits = false;
};

Result<Meant, wire::ApiError> find_meaning(const wire::MessagesRequest& request,
                                           const Dialect& dialect) {
  Meant meant;
  if (!request.compaction_json.empty()) {
    auto summary = compaction_request(request);
    if (!summary) return tl::unexpected(summary.error());
    meant.edits.request = std::move(*summary);
  } else if (!request.context_management_json.empty()) {
    const auto options = parse_context_options(request.context_management_json);
    if (!options) return tl::unexpected(options.error());
    meant.edits = edit_context(request, *options, dialect);
    meant.other_edits = options->others;
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
  const auto meant = find_meaning(request, request.context_management_json.empty()
                                               ? *target.dialect
                                               : with_family_replay(*target.dialect, target.model));
  if (!meant) return tl::unexpected(meant.error());
  const ContextEdits& edits = meant->edits;
  Translation t(edits.request ? *edits.request : request, target, facts);
  t.thinking_from = t.request.blocks.data() + edits.thinking_from;
  check_envelope(t);
  if (meant->other_edits) t.warn("context-management", "context_management.edits");
  TranslatedRequest result;
  result.answer_without_call = request.max_tokens == 0;
  fill_reply(t);
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
