// How much a model is asked to think, how that is spelled, and what it costs of the output cap.
#include "core/translate/thinking.h"

#include <algorithm>

#include "base/text.h"
#include "core/translate/api_choice.h"
#include "core/translate/content.h"
#include "core/translate/messages.h"
#include "core/translate/tools.h"

namespace clasp::translate {

namespace {

using wire::ThinkingKind;

// Upper bounds of a thinking budget for each level; they separate the presets of common clients.
constexpr std::int64_t kLowBudget = 4096;
constexpr std::int64_t kMediumBudget = 16384;
constexpr std::int64_t kHighBudget = 49152;
constexpr std::int64_t kLeastBudget = 1024;

Effort level_of_budget(std::int64_t budget) {
  if (budget < kLowBudget) return Effort::low;
  if (budget < kMediumBudget) return Effort::medium;
  if (budget < kHighBudget) return Effort::high;
  return Effort::xhigh;
}

// A level as clients may name it; `none` and `minimal` exist on the other side only.
std::optional<Effort> client_effort(std::string_view raw) {
  Effort effort;
  if (!parse_effort(decode_json_string(raw), effort)) return std::nullopt;
  if (effort == Effort::none || effort == Effort::minimal) return std::nullopt;
  return effort;
}

struct Wanted {
  std::optional<Effort> level;
  bool from_budget = false;
};

Wanted wanted_level(Translation& t) {
  const wire::MessagesRequest& request = t.request;
  if (const auto effort = client_effort(turn_effort(request))) return {effort};
  if (!request.effort_raw.empty()) {
    const auto effort = client_effort(request.effort_raw);
    if (!effort)
      t.refuse("output_config.effort", "Input should be 'low', 'medium', 'high', 'xhigh' or 'max'");
    return {effort};
  }
  switch (request.thinking) {
    case ThinkingKind::enabled:
      return {level_of_budget(request.thinking_budget), true};
    case ThinkingKind::adaptive:
      if (t.dialect.default_effort) return {Effort::medium};
      return {};
    case ThinkingKind::between_tools:
      t.warn("between-tools", "thinking.type");
      return {Effort::low};
    case ThinkingKind::absent:
    case ThinkingKind::disabled:
      return {};
  }
  return {};
}

std::optional<Effort> off_level(Efforts efforts) {
  for (const Effort effort : {Effort::none, Effort::minimal, Effort::low})
    if (efforts & efforts_of(effort)) return effort;
  return std::nullopt;
}

void check_budget(Translation& t) {
  const wire::MessagesRequest& request = t.request;
  if (!t.target.strict || request.thinking != ThinkingKind::enabled) return;
  if (request.thinking_budget < kLeastBudget)
    t.refuse("thinking.budget_tokens", "Input should be greater than or equal to 1024");
  // With interleaved thinking the budget is that of all turns of a call sequence together.
  const bool interleaved = icontains(t.facts.anthropic_beta, "interleaved-thinking");
  if (request.max_tokens && request.thinking_budget >= *request.max_tokens && !interleaved)
    t.refuse("max_tokens", "`max_tokens` must be greater than `thinking.budget_tokens`");
}

// The model uses tools while it thinks on an API only that this server turned out not to have.
bool lost_its_tools(const Translation& t, const ToolPlan& tools) {
  const Adjustments* learned = t.target.adjustments;
  return t.target.api == Api::chat && learned != nullptr && learned->no_responses &&
         !tools.empty() && (learned->use_responses || needs_responses(t.target.model));
}

}  // namespace

ReasoningPlan plan_reasoning(Translation& t, const ToolPlan& tools) {
  ReasoningPlan plan;
  check_budget(t);
  const bool disabled = t.request.thinking == ThinkingKind::disabled;
  const bool must_be_off =
      (tools.forced() && t.profile.forced_without_thinking) || lost_its_tools(t, tools);
  plan.off = disabled || must_be_off;
  const Wanted wanted = plan.off ? Wanted{} : wanted_level(t);
  plan.on = wanted.level.has_value();
  const Profile& profile = t.profile;
  // A model that takes `none` only wants to hear it, whatever was asked.
  if (profile.efforts == efforts_of(Effort::none)) {
    plan.on = false;
    plan.off = true;
  }
  if (!plan.on && !plan.off) return plan;
  if (profile.no_reasoning) {
    const bool by_effort = t.request.thinking == ThinkingKind::absent;
    if (plan.on) t.warn("thinking-unsupported", by_effort ? "output_config.effort" : "thinking");
    plan.on = plan.off = false;
    return plan;
  }
  if (plan.off) {
    plan.level =
        profile.any_effort && profile.efforts == 0 ? Effort::none : off_level(profile.efforts);
    return plan;
  }
  if (wanted.from_budget) plan.budget = t.request.thinking_budget;
  if (profile.efforts != 0) {
    plan.level = clamp_effort(*wanted.level, profile.efforts);
  } else if (profile.any_effort) {
    plan.level = wanted.level;
  }
  return plan;
}

namespace {

void append_effort(std::string& out, const Translation& t, const ReasoningPlan& plan) {
  if (!plan.level) return;
  std::string_view name = render_effort(*plan.level);
  if (t.profile.switch_only && *plan.level != Effort::none) name = "default";
  out.append(",\"reasoning_effort\":\"").append(name).push_back('"');
}

void append_object(std::string& out, const Translation& t, const ReasoningPlan& plan) {
  if (plan.on && plan.budget > 0 && t.profile.takes_budget) {
    out.append(",\"reasoning\":{\"max_tokens\":")
        .append(std::to_string(plan.budget))
        .push_back('}');
  } else if (plan.level) {
    out.append(",\"reasoning\":{\"effort\":\"").append(render_effort(*plan.level)).append("\"}");
  }
}

void append_kwargs(std::string& out, const Translation& t, const ReasoningPlan& plan) {
  if (t.dialect.kwargs_key == KwargsKey::none) return;
  const bool enable = t.dialect.kwargs_key == KwargsKey::enable_thinking;
  out.append(",\"chat_template_kwargs\":{\"").append(enable ? "enable_thinking" : "thinking");
  out.append(plan.on ? "\":true}" : "\":false}");
  if (plan.on && plan.budget > 0 && t.dialect.thinking_budget)
    out.append(",\"thinking_budget_tokens\":").append(std::to_string(plan.budget));
}

}  // namespace

void append_reasoning(std::string& out, const Translation& t, const ReasoningPlan& plan) {
  const bool by_default = t.profile.switch_only && !plan.off;
  if (!plan.on && !plan.off && !by_default) return;
  switch (t.profile.reasoning) {
    case ReasoningRequest::none:
      return;
    case ReasoningRequest::effort:
      return append_effort(out, t, plan);
    case ReasoningRequest::object:
      return append_object(out, t, plan);
    case ReasoningRequest::thinking_object: {
      out.append(",\"thinking\":{\"type\":\"").append(plan.on ? "enabled" : "disabled");
      out.append("\"}");
      if (plan.on) append_effort(out, t, plan);
      return;
    }
    case ReasoningRequest::gemini:
      if (plan.on && plan.budget > 0) {
        out.append(",\"extra_body\":{\"google\":{\"thinking_config\":{\"thinking_budget\":");
        out.append(std::to_string(plan.budget)).append(",\"include_thoughts\":true}}}");
        return;
      }
      return append_effort(out, t, plan);
    case ReasoningRequest::template_kwargs:
      return append_kwargs(out, t, plan);
    case ReasoningRequest::groq:
      append_effort(out, t, plan);
      // Else it would come as text, with tags around it.
      if (plan.on || by_default) out.append(",\"reasoning_format\":\"parsed\"");
      return;
    case ReasoningRequest::prompt_mode:
      if (plan.on) out.append(",\"prompt_mode\":\"reasoning\"");
      return;
  }
}

void append_response_reasoning(std::string& out, const Translation& t, const ReasoningPlan& plan) {
  const Adjustments* learned = t.target.adjustments;
  const bool summary =
      plan.on && !t.reply.thinking_omitted && (learned == nullptr || !learned->no_summary);
  if (plan.level || summary) {
    out.append(",\"reasoning\":{");
    if (plan.level) {
      out.append("\"effort\":\"").append(render_effort(*plan.level)).push_back('"');
      if (summary) out.push_back(',');
    }
    out.append(summary ? "\"summary\":\"auto\"}" : "}");
  }
}

std::int64_t output_cap(const Translation& t, const ReasoningPlan& plan) {
  std::int64_t cap = t.request.max_tokens.value_or(0);
  const bool asked_for =
      t.request.thinking != ThinkingKind::absent && t.request.thinking != ThinkingKind::disabled;
  if (t.profile.always_reasons && !asked_for && t.dialect.hidden_allowance) {
    const Effort level = plan.level.value_or(t.profile.usual_effort);
    const std::int64_t allowance = level <= Effort::low      ? 4096
                                   : level == Effort::medium ? 8192
                                                             : 16384;
    cap = cap > INT64_MAX - allowance ? INT64_MAX : cap + allowance;
  }
  const std::int64_t limit = t.target.max_output > 0 ? t.target.max_output : t.profile.max_output;
  if (limit > 0) cap = std::min(cap, limit);
  const Adjustments* learned = t.target.adjustments;
  return learned != nullptr && learned->max_output > 0 ? std::min(cap, learned->max_output) : cap;
}

}  // namespace clasp::translate
