// The table put together, its sections, and the three ways to look something up in it.
#include "config/options.h"

#include "base/text.h"
#include "config/option_rows.h"

namespace clasp::config {
namespace {

std::vector<Option> make_options() {
  std::vector<Option> rows;
  add_available_rows(rows);
  add_door_rows(rows);
  add_dial_rows(rows);
  add_unavailable_rows(rows);
  return rows;
}

// "header.*" against "header.X-Title": the part that '*' stands for.
bool match_pattern(std::string_view pattern, std::string_view name, std::string_view& rest) {
  if (pattern.empty()) return false;
  if (pattern.back() != '*') return pattern == name;
  pattern.remove_suffix(1);
  if (name.size() <= pattern.size() || name.substr(0, pattern.size()) != pattern) return false;
  rest = name.substr(pattern.size());
  return true;
}

}  // namespace

Draft::Draft() {
  backends.emplace_back();
  model_rules.emplace_back();
}

const std::vector<Option>& options() {
  static const std::vector<Option> rows = make_options();
  return rows;
}

const std::vector<Section>& sections() {
  static const std::vector<Section> list = {
      {"server", "Server", "Where clients are accepted, and how the daemon runs."},
      {"backend", "Backend",
       "One endpoint that requests are sent to. A nameless [backend] is the one that flags and "
       "environment "
       "variables describe too. Any number of [backend NAME] sections may follow; the first one is "
       "the default "
       "unless -provider names another.",
       true},
      {"providers", "Keys and addresses of providers",
       "Used by every backend of that provider which has no api_key or base_url of its own. Keys "
       "are better "
       "kept in the environment or in a file of their own (api_key_file)."},
      {"models", "Models",
       "Which model a backend is asked for. Aliases come first, then the tiers, then the "
       "backend's own model, then the default."},
      {"model", "Models, one by one",
       "[model PATTERN]: what is known about the models whose name on the backend matches; * and ? "
       "match any text. Of several sections that match each one counts, and where two of them set "
       "the same the later one in the file.",
       true, "PATTERN"},
      {"translation", "Translation",
       "How requests and answers are changed on their way. Where nothing else is said, a key can "
       "be "
       "set for one backend or model as well, as flag.NAME."},
      {"aliases", "Aliases", "One line per name: NAME = MODEL. * and ? in NAME match any text."},
      {"timeouts", "Timeouts",
       "Numbers without a unit count seconds; ms, s, m, h and d are understood."},
      {"limits", "Limits", "Sizes may end in K, M or G."},
      {"media", "Pictures and PDFs", "For backends that do not take them as clients send them."},
      {"log", "Logging", "Messages go to the journal or to standard error."},
      {"listener", "Listeners",
       "[listener NAME]: one more place to accept clients, with what it needs beyond an address.",
       true, "NAME"},
      {"auth", "Client authentication", "Who may use this proxy."},
      {"client", "Clients",
       "[client NAME]: a client with a key of its own, and what it may do. The name is for logs "
       "and "
       "metrics.",
       true, "NAME"},
      {"rate_limit", "Rate limit",
       "How much may be asked. Counting tokens, lists of models and health are free."},
      {"cache", "Response cache", "Answers kept in memory."},
      {"costs", "Costs", "What requests cost, by the price table below."},
      {"price", "Prices",
       "[price PATTERN]: what the models cost whose name on the backend matches; * and ? match any "
       "text. Dollars per million tokens. Stronger than the prices that are shipped.",
       true, "PATTERN"},
      {"metrics", "Metrics", "What the daemon counts."},
      {"control", "Control", "Where claspctl finds the daemon, and who may use it."},
      {"tracing", "Tracing", "Following a request through several programs."},
      {"retry", "Retries",
       "A request that failed is tried again by itself while its client has seen nothing of an "
       "answer. Where another backend is configured for it, that one is asked first."},
      {"queue", "Queue",
       "Requests wait here while no backend can take them: during an outage, or above a backend's "
       "max_concurrency. Clients take turns."},
      {"circuit_breaker", "Circuit breaker",
       "A backend that keeps failing is left alone for a while: requests fail at once (503) or go "
       "to "
       "the next backend."},
      {"health_check", "Health checks",
       "Probing backends by asking for their list of models. What traffic shows is known without "
       "it."},
      {"routing", "Routing", "Which backend gets which request."},
      {"tier opus", "Tier opus", "Where requests for opus models go, with multi_provider."},
      {"tier sonnet", "Tier sonnet", "Where requests for sonnet models go, with multi_provider."},
      {"tier haiku", "Tier haiku", "Where requests for haiku models go, with multi_provider."},
      {"fallback", "Fallback", "Where requests go when their backend fails."},
      {"route", "Routes",
       "[route PATTERN]: where requests for models go whose name, as the client says it, matches. "
       "An exact name counts before patterns with * and ?; of these the first one.",
       true, "PATTERN"},
  };
  return list;
}

const Option* find_flag(std::string_view flag) {
  for (const Option& option : options())
    if (!option.flag.empty() && option.flag == flag) return &option;
  return nullptr;
}

Match find_key(std::string_view section, std::string_view key) {
  Match match;
  for (const Option& option : options()) {
    if (option.section != section || !match_pattern(option.key, key, match.rest)) continue;
    match.option = &option;
    return match;
  }
  return {};
}

Match find_variable(std::string_view name) {
  Match match;
  for (const Option& option : options())
    for (std::string_view variable : split(option.env, ' '))
      if (match_pattern(variable, name, match.rest)) {
        match.option = &option;
        return match;
      }
  return {};
}

const Section* find_section(std::string_view name) {
  for (const Section& section : sections())
    if (section.name == name) return &section;
  return nullptr;
}

}  // namespace clasp::config
