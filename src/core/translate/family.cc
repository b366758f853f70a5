// Model families: a table from names to abilities. Only published names are listed; an unknown
// model gets what its dialect says.
#include "core/translate/family.h"

#include <optional>
#include <string>

#include "base/text.h"
#include "core/translate/api_choice.h"

namespace clasp::translate {

namespace {

using enum Effort;

constexpr Efforts kLowToHigh = efforts_of(low, medium, high);
constexpr Efforts kMinimalToHigh = efforts_of(minimal, low, medium, high);
constexpr Efforts kNoneToHigh = efforts_of(none, low, medium, high);
constexpr Efforts kNoneToXhigh = efforts_of(none, low, medium, high, xhigh);
constexpr Efforts kLowToXhigh = efforts_of(low, medium, high, xhigh);
constexpr Efforts kProLevels = efforts_of(medium, high, xhigh);

// A family of OpenAI models. `pattern` is a glob over the last component of the name.
struct Family {
  std::string_view pattern;
  bool reasons = false;
  Efforts efforts = 0;
  std::int64_t max_output = 0;
  bool old_cap = false;  // knows max_tokens only
  bool stop = true;
  bool parallel = true;
  bool sampling_when_off = false;
  bool breakpoints = false;
};

constexpr std::int64_t kGpt5Output = 128'000;

// The first matching row counts, so special names come before general ones.
constexpr Family kFamilies[] = {
    {.pattern = "gpt-3.5*", .max_output = 4096, .old_cap = true},
    {.pattern = "gpt-4-turbo*", .max_output = 4096, .old_cap = true},
    {.pattern = "gpt-4-*-preview", .max_output = 4096, .old_cap = true},
    {.pattern = "gpt-4o-2024-05-13", .max_output = 4096},
    {.pattern = "gpt-4o*", .max_output = 16384},
    {.pattern = "chatgpt-4o*", .max_output = 16384},
    {.pattern = "gpt-4.1*", .max_output = 32768},
    {.pattern = "gpt-4.5*", .max_output = 16384},
    {.pattern = "gpt-4", .max_output = 8192, .old_cap = true},
    {.pattern = "gpt-4-*", .max_output = 8192, .old_cap = true},
    {.pattern = "o1-mini*", .reasons = true, .max_output = 65536, .stop = false, .parallel = false},
    {.pattern = "o1-preview*",
     .reasons = true,
     .max_output = 32768,
     .stop = false,
     .parallel = false},
    {.pattern = "o1*",
     .reasons = true,
     .efforts = kLowToHigh,
     .max_output = 100'000,
     .parallel = false},
    {.pattern = "o3*",
     .reasons = true,
     .efforts = kLowToHigh,
     .max_output = 100'000,
     .stop = false,
     .parallel = false},
    {.pattern = "o4*",
     .reasons = true,
     .efforts = kLowToHigh,
     .max_output = 100'000,
     .stop = false,
     .parallel = false},
    {.pattern = "gpt-5*-chat*", .max_output = 16384},
    {.pattern = "gpt-5-pro*",
     .reasons = true,
     .efforts = efforts_of(high),
     .max_output = kGpt5Output,
     .stop = false},
    {.pattern = "gpt-5.*-pro*",
     .reasons = true,
     .efforts = kProLevels,
     .max_output = kGpt5Output,
     .stop = false},
    {.pattern = "gpt-5-codex*",
     .reasons = true,
     .efforts = kLowToHigh,
     .max_output = kGpt5Output,
     .stop = false},
    {.pattern = "gpt-5.1-codex-max*",
     .reasons = true,
     .efforts = kNoneToXhigh,
     .max_output = kGpt5Output,
     .stop = false,
     .sampling_when_off = true},
    {.pattern = "gpt-5.1*",
     .reasons = true,
     .efforts = kNoneToHigh,
     .max_output = kGpt5Output,
     .stop = false,
     .sampling_when_off = true},
    {.pattern = "gpt-5.[2-5]*",
     .reasons = true,
     .efforts = kNoneToXhigh,
     .max_output = kGpt5Output,
     .stop = false,
     .sampling_when_off = true},
    {.pattern = "gpt-5.6*",
     .reasons = true,
     .efforts = kNoneToXhigh | efforts_of(max),
     .max_output = kGpt5Output,
     .stop = false,
     .breakpoints = true},
    {.pattern = "gpt-5.*",
     .reasons = true,
     .efforts = kNoneToXhigh,
     .max_output = kGpt5Output,
     .stop = false,
     .breakpoints = true},
    {.pattern = "gpt-5*",
     .reasons = true,
     .efforts = kMinimalToHigh,
     .max_output = kGpt5Output,
     .stop = false},
    {.pattern = "gpt-6*-pro*", .reasons = true, .efforts = kProLevels, .stop = false},
    {.pattern = "gpt-6-astra*",
     .reasons = true,
     .efforts = kLowToXhigh,
     .stop = false,
     .breakpoints = true},
    {.pattern = "gpt-6.1-sol*",
     .reasons = true,
     .efforts = kLowToXhigh,
     .stop = false,
     .breakpoints = true},
    {.pattern = "gpt-6.2-*",
     .reasons = true,
     .efforts = kLowToXhigh,
     .stop = false,
     .breakpoints = true},
    {.pattern = "gpt-6*",
     .reasons = true,
     .efforts = kNoneToXhigh,
     .stop = false,
     .breakpoints = true},
};

// `[2-5]` stands for one digit of that range; everything else is glob_match's business.
bool family_match(std::string_view pattern, std::string_view name) {
  const std::size_t range = pattern.find('[');
  if (range == std::string_view::npos) return glob_match(pattern, name);
  if (name.size() <= range || name.substr(0, range) != pattern.substr(0, range)) return false;
  const char digit = name[range];
  return digit >= pattern[range + 1] && digit <= pattern[range + 3] &&
         glob_match(pattern.substr(range + 5), name.substr(range + 1));
}

// "openai/gpt-5:free" -> "gpt-5:free", lower case.
std::string last_component(std::string_view model) {
  const std::size_t slash = model.rfind('/');
  return to_lower(slash == std::string_view::npos ? model : model.substr(slash + 1));
}

bool is_openai_name(std::string_view name) {
  // gpt-oss has open weights: it follows the rules of whoever serves it.
  if (name.starts_with("gpt-oss")) return false;
  return name.starts_with("gpt-") || name.starts_with("chatgpt-") || name.starts_with("o1") ||
         name.starts_with("o3") || name.starts_with("o4");
}

bool matches_any(std::string_view name, std::initializer_list<std::string_view> patterns) {
  for (std::string_view pattern : patterns)
    if (glob_match(pattern, name)) return true;
  return false;
}

void apply_family(Profile& p, const Family& family, const Dialect& d) {
  p.known_reasoner = family.reasons;
  p.no_reasoning = !family.reasons;
  p.always_reasons = family.reasons && (family.efforts & efforts_of(none)) == 0;
  if (p.always_reasons && family.efforts == efforts_of(high)) p.usual_effort = high;
  p.sampling = !family.reasons;
  p.sampling_when_off = family.sampling_when_off;
  p.parallel = p.parallel && family.parallel;
  p.max_output = family.max_output;
  p.cache_breakpoints = d.cache_breakpoints && family.breakpoints;
  p.cap = family.old_cap ? CapField::max_tokens : CapField::max_completion_tokens;
  if (d.system_role == SystemRole::developer && family.reasons && family.efforts != 0)
    p.role = SystemRole::developer;
  if (!family.stop) p.max_stop = 0;
  // openrouter maps levels itself; every other server hands the field to the model.
  if (d.reasoning != ReasoningRequest::object) {
    p.efforts = family.efforts;
    p.any_effort = false;
    p.reasoning = ReasoningRequest::effort;
  }
}

void apply_openai_rules(Profile& p, std::string_view name, const Dialect& d) {
  const bool own_parallel = d.parallel_tool_calls;
  // The field is the model vendor's, so it exists on every road to that model.
  p.parallel = true;
  if (p.max_stop != 0) p.max_stop = 4;
  for (const Family& family : kFamilies) {
    if (!family_match(family.pattern, name)) continue;
    apply_family(p, family, d);
    if (name.find("-search-") != std::string_view::npos && d.web_search != WebSearch::native)
      p.web_search = WebSearch::options;
    return;
  }
  // A name of OpenAI's that is not in the table yet: send what is asked for and learn.
  p.parallel = own_parallel || is_openai_name(name);
  p.cap = CapField::max_completion_tokens;
  if (d.reasoning != ReasoningRequest::object) {
    p.reasoning = ReasoningRequest::effort;
    p.any_effort = true;
  }
}

// Their templates number calls themselves and want the numbers back. Where no other way is known
// reasoning goes back as the models' own API has it, and the thinking ones refuse calls without.
void apply_kimi(Profile& p, std::string_view name) {
  p.restore_ids = true;
  if (p.replay != ReasoningReplay::none) return;
  p.replay = ReasoningReplay::reasoning_content;
  p.replay_on_calls = matches_any(name, {"*thinking*", "*kimi-k2.*", "*kimi-k3*"});
}

// Models of other vendors whose needs are known, behind whatever server.
void apply_vendor_rules(Profile& p, std::string_view name, const Dialect& d) {
  const bool gpt_oss = name.starts_with("gpt-oss");
  if (gpt_oss && d.reasoning != ReasoningRequest::object && d.reasoning != ReasoningRequest::none) {
    p.known_reasoner = true;
    p.efforts = kLowToHigh;
    if (d.reasoning == ReasoningRequest::template_kwargs) p.reasoning = ReasoningRequest::effort;
  }
  if (matches_any(name, {"*mistral*", "*magistral*", "*devstral*", "*codestral*", "*ministral*"})) {
    p.mistral_ids = true;
    p.mistral_order = true;
    p.nonempty_tool = true;
  }
  if (matches_any(name, {"*kimi*", "*moonshot*"})) apply_kimi(p, name);
  if (matches_any(name, {"grok-3-mini*"}) && d.reasoning == ReasoningRequest::effort)
    p.efforts = efforts_of(low, high);
  if (matches_any(name, {"grok-3-mini*", "grok-4*"}) && d.name == "xai") {
    p.known_reasoner = true;
    p.cap = CapField::max_completion_tokens;
    p.max_stop = 0;
  }
  if (d.reasoning == ReasoningRequest::gemini && matches_any(name, {"gemini-2.5-flash*"}))
    p.efforts |= efforts_of(none);
  if (d.reasoning == ReasoningRequest::groq && matches_any(name, {"qwen*"})) {
    p.switch_only = true;
    p.efforts = efforts_of(none, medium);
  }
  p.takes_budget = matches_any(name, {"claude*", "gemini*", "qwen*"});
  // Vendors behind a router keep their habits.
  if (d.reasoning == ReasoningRequest::object && matches_any(name, {"deepseek*"}))
    p.forced_without_thinking = true;
  if (d.reasoning == ReasoningRequest::object && matches_any(name, {"gemini*"}))
    p.nonempty_tool = true;
  if (d.tool_parts_by_model && matches_any(name, {"claude*", "gemini*"})) p.tool_parts = true;
  if (d.plain_schema_output) p.json_schema = gpt_oss || matches_any(name, {"kimi-k2*", "llama-4*"});
}

}  // namespace

Profile make_profile(const Dialect& d, std::string_view model) {
  Profile p;
  p.cap = d.cap;
  p.role = d.system_role == SystemRole::developer ? SystemRole::system : d.system_role;
  p.efforts = d.efforts;
  p.any_effort = d.any_effort;
  p.reasoning = d.reasoning;
  p.max_stop = d.max_stop;
  p.parallel = d.parallel_tool_calls;
  p.mistral_ids = d.mistral_ids;
  p.mistral_order = d.no_user_after_tool;
  p.tool_parts = d.tool_parts;
  p.nonempty_tool = d.nonempty_tool;
  p.restore_ids = d.restore_ids;
  p.forced_without_thinking = d.forced_without_thinking;
  p.web_search = d.web_search;
  p.phases = d.phase && returns_phase(model);
  p.replay = d.replay;
  p.replay_on_calls = d.replay_on_calls;
  const std::string name = last_component(model);
  if (is_openai_name(name) || d.openai_families) {
    apply_openai_rules(p, name, d);
  } else {
    apply_vendor_rules(p, name, d);
  }
  if (d.pinned & Dialect::kPinCap) p.cap = d.cap;
  if (d.pinned & Dialect::kPinRole) p.role = d.system_role;
  if (d.pinned & Dialect::kPinStop) p.max_stop = d.max_stop;
  if (d.pinned & Dialect::kPinParallel) p.parallel = d.parallel_tool_calls;
  if (d.pinned & Dialect::kPinIds) p.mistral_ids = d.mistral_ids;
  if (d.pinned & Dialect::kPinRestore) p.restore_ids = d.restore_ids;
  if (d.pinned & Dialect::kPinReplay) {
    p.replay = d.replay;
    p.replay_on_calls = d.replay_on_calls;
  }
  if (d.pinned & Dialect::kPinSampling) p.sampling = d.sampling;
  if (!d.sampling) p.sampling = p.sampling_when_off = false;
  if (d.pinned & Dialect::kPinEfforts) {
    p.efforts = d.efforts;
    p.any_effort = false;
    p.no_reasoning = d.efforts == 0;
    p.always_reasons = p.always_reasons && (d.efforts & efforts_of(none)) == 0;
  }
  if (d.pinned & Dialect::kPinReasoning) {
    p.reasoning = d.reasoning;
    if (d.reasoning == ReasoningRequest::none) p.no_reasoning = true;
  }
  return p;
}

Dialect with_family_replay(const Dialect& dialect, std::string_view model) {
  const Profile profile = make_profile(dialect, model);
  Dialect out = dialect;
  out.replay = profile.replay;
  out.replay_on_calls = profile.replay_on_calls;
  return out;
}

Effort clamp_effort(Effort wanted, Efforts efforts) {
  if (efforts == efforts_of(none)) return none;
  const auto has = [efforts](int level) {
    return level > 0 && level <= static_cast<int>(max) && ((efforts >> level) & 1) != 0;
  };
  const int want = static_cast<int>(wanted);
  // In a gap, what is above medium goes down and the rest goes up: never dearer than asked for by
  // more than the gap, never below what was asked when something near is there.
  const int first = want > static_cast<int>(medium) ? -1 : 1;
  for (const int direction : {first, -first})
    for (int level = want; level >= 0 && level <= static_cast<int>(max); level += direction)
      if (has(level)) return static_cast<Effort>(level);
  return wanted;
}

}  // namespace clasp::translate
