// Flags, environment and file into a Draft.
#include "config/collect.h"

#include <algorithm>
#include <utility>

#include "base/secret.h"
#include "base/text.h"
#include "config/credentials.h"

namespace clasp::config {
namespace {

template <class... Cases>
struct Overloaded : Cases... {
  using Cases::operator()...;
};
template <class... Cases>
Overloaded(Cases...) -> Overloaded<Cases...>;

void store(const Slot& slot, const Value& value) {
  std::visit(Overloaded{
                 [](std::monostate) {},
                 [&](bool* to) { *to = value.boolean; },
                 [&](std::uint32_t* to) { *to = static_cast<std::uint32_t>(value.number); },
                 [&](std::int64_t* to) { *to = value.number; },
                 [&](std::uint64_t* to) { *to = static_cast<std::uint64_t>(value.number); },
                 [&](std::string* to) { *to = value.text; },
                 [&](std::optional<bool>* to) { *to = value.boolean; },
                 [&](Secret* to) { *to = Secret(value.text); },
                 [&](std::vector<std::string>* to) {
                   to->insert(to->end(), value.list.begin(), value.list.end());
                 },
             },
             slot);
}

void clear_list(const Slot& slot) {
  if (auto* list = std::get_if<std::vector<std::string>*>(&slot)) (*list)->clear();
}

std::vector<std::string_view> flag_names() {
  std::vector<std::string_view> names;
  for (const Option& option : options())
    if (!option.flag.empty() && !option.hidden) names.emplace_back(option.flag);
  return names;
}

// ${NAME} in a value of the file.
Result<std::string> expand(std::string_view text, const Environment& environment) {
  std::string out;
  while (true) {
    const auto open = text.find("${");
    out.append(text.substr(0, open));
    if (open == std::string_view::npos) return out;
    const auto close = text.find('}', open);
    if (close == std::string_view::npos) return fail("${ has no closing }");
    const std::string_view name = text.substr(open + 2, close - open - 2);
    const auto found = environment.find(name);
    if (found == environment.end())
      return fail("the environment variable " + std::string(name) + " is not set");
    out.append(found->second);
    text.remove_prefix(close + 1);
  }
}

// "backend NAME" -> {"backend", "NAME"}; a literal section keeps its whole name.
std::pair<const Section*, std::string_view> recognise(std::string_view name) {
  if (const Section* literal = find_section(name)) return {literal, {}};
  const auto blank = name.find(' ');
  if (blank == std::string_view::npos) return {nullptr, {}};
  const Section* section = find_section(name.substr(0, blank));
  if (section == nullptr || !section->named) return {nullptr, {}};
  return {section, trim(name.substr(blank))};
}

// Whether a value of an option without effect would have had one.
bool asks_for_something(const Option& option, std::string_view text, const Value& value) {
  if (option.status == Status::retired) return parse_bool(trim(text)).value_or(true);
  if (option.default_text.empty()) return value != Value{};
  const auto standard = parse_value(option.domain, option.default_text);
  return !standard || *standard != value;
}

// Kubernetes and Docker links describe a service named "clasp" as CLASP_PORT=tcp://10.0.0.1:8080.
bool is_service_link(const Option& option, std::string_view value) {
  return option.domain.kind == Kind::integer && trim(value).substr(0, 6) == "tcp://";
}

}  // namespace

std::vector<Argument> parse_arguments(const std::vector<std::string>& args,
                                      std::vector<std::string>& errors) {
  std::vector<Argument> out;
  bool unknown_before = false;  // what follows may be its value, and a key
  for (std::size_t i = 0; i < args.size(); ++i) {
    const std::string& arg = args[i];
    // The end of the options; there is nothing else that could follow.
    if (arg == "--") {
      if (i + 1 < args.size())
        errors.push_back(quoted(mask_secrets(args[i + 1])) +
                         " stands behind --; clasp takes options alone");
      break;
    }
    if (arg.size() < 2 || arg[0] != '-') {
      if (!std::exchange(unknown_before, false))
        errors.push_back(quoted(mask_secrets(arg)) +
                         " is not an option; options begin with a dash");
      continue;
    }
    std::string_view name = std::string_view(arg).substr(arg[1] == '-' ? 2 : 1);
    const auto equals = name.find('=');
    const bool has_value = equals != std::string_view::npos;
    std::string value = has_value ? std::string(name.substr(equals + 1)) : "";
    name = name.substr(0, equals);
    if (name == "h") name = "help";
    const Option* option = find_flag(name);
    unknown_before = option == nullptr && !has_value;
    if (option == nullptr) {
      errors.push_back("unknown option -" + scrub_utf8(name.substr(0, 60)) +
                       hint(name, flag_names()));
      continue;
    }
    if (option->is_switch() && !has_value) value = "true";
    if (!option->is_switch() && !has_value) {
      if (i + 1 >= args.size()) {
        errors.push_back("option -" + option->flag + " needs a value (" + option->argument + ")");
        continue;
      }
      value = args[++i];
    }
    out.push_back({option, "-" + option->flag, std::move(value)});
  }
  return out;
}

void Collector::set(const Option& option, std::string_view rest, std::string_view text,
                    Source source, const std::string& place) {
  auto value = parse_value(option.domain, text);
  if (!value) {
    errors.push_back(place + ": " + value.error().message);
    return;
  }
  if (auto found = find_credentials(option, credentials, *value); !found) {
    errors.push_back(place + ": " + found.error().message);
    return;
  }
  const Slot slot = option.slot ? option.slot(draft, rest) : Slot{};
  Given scratch;  // keys of named backends leave no trace
  Given& given = draft.current == 0 ? given_[&option] : scratch;
  if (&given != &scratch && given.source < source) clear_list(slot);
  if (option.key == "provider" && option.section == "backend" && given.source < source)
    leave_provider(value->text, source);
  given.source = source;
  given.place = place;
  if (option.status != Status::available) given.differs = asks_for_something(option, text, *value);
  store(slot, *value);
  note_given(option, rest, text, source, place);
  if (rest.empty() || source != Source::file) return;
  const std::string key = option.key.substr(0, option.key.size() - 1).append(rest);
  if (option.section == "backend") draft.backend().places[key] = place;
  if (option.section == "model") draft.model().places[key] = place;
}

// A stronger source names another provider: the key and the address that belong to the one before
// must not reach the new one.
void Collector::leave_provider(std::string_view next, Source source) {
  BackendDraft& backend = draft.backend();
  if (backend.provider.empty() || iequals(backend.provider, next)) return;
  for (std::string_view key : {"base_url", "api_key", "api_key_file", "model", "dialect"}) {
    const Option* option = find_key("backend", key).option;
    const auto found = given_.find(option);
    if (found == given_.end() || found->second.source >= source) continue;
    store(option->slot(draft, {}), Value{});
    given_.erase(found);
  }
  backend.headers.clear();
  backend.flags.clear();
  backend.body.clear();
  backend.geo.clear();
  backend.context_window = 0;
}

// ---- file --------------------------------------------------------------------------------------

void Collector::add_file(const std::string& file, std::string_view text,
                         const Environment& environment) {
  const FileText parsed = parse_file(text);
  for (const FileProblem& problem : parsed.problems)
    errors.push_back(file + ":" + std::to_string(problem.line) + ": " + problem.message);
  if (!parsed.problems.empty()) return;
  constexpr std::size_t kEnough = 20;
  for (const FileEntry& entry : parsed.entries) {
    if (errors.size() >= kEnough) break;
    add_entry(entry, file, environment);
  }
  draft.current = draft.current_model = 0;
}

void Collector::begin_section(const FileEntry& entry, const std::string& place) {
  draft.current = draft.current_model = 0;
  std::string_view name;
  std::tie(section_, name) = recognise(entry.section);
  if (section_ == nullptr) {
    std::vector<std::string_view> names;
    for (const Section& section : sections()) names.push_back(section.name);
    errors.push_back(place + ": unknown section [" + entry.section + "]" +
                     hint(entry.section, names));
    return;
  }
  if (!section_->rest.empty() && name.empty()) {
    errors.push_back(place + ": [" + entry.section + "] needs a name, write [" + entry.section +
                     " " + std::string(section_->rest) + "]");
    section_ = nullptr;
    return;
  }
  if (section_->name == "model") {
    draft.current_model = draft.model_rules.size();
    ModelRule& rule = draft.model_rules.emplace_back();
    rule.name = name;
    rule.pattern = to_lower(name);
    rule.place = place;
    return;
  }
  if (section_->name == "route") return begin_route(entry, name, place);
  if (section_->name == "price") {
    PriceRule& rule = draft.prices.emplace_back().rule;
    rule.pattern = to_lower(name);
    rule.place = place;
    return;
  }
  if (section_->name == "client" || section_->name == "listener")
    return begin_named(entry, name, place);
  if (section_->name != "backend" || name.empty()) return;
  for (std::size_t i = 1; i < draft.backends.size(); ++i)
    if (iequals(draft.backends[i].name, name)) {
      errors.push_back(place + ": [" + entry.section + "] is already at " +
                       draft.backends[i].place);
      section_ = nullptr;
      return;
    }
  draft.current = draft.backends.size();
  draft.backends.emplace_back();
  draft.backend().name = name;
  draft.backend().place = place;
}

void Collector::begin_route(const FileEntry& entry, std::string_view pattern,
                            const std::string& place) {
  for (const RouteDraft& route : draft.routes)
    if (iequals(route.pattern, pattern)) {
      errors.push_back(place + ": [" + entry.section + "] is already at " + route.place);
      section_ = nullptr;
      return;
    }
  draft.routes.push_back({std::string(pattern), place, {}});
}

void Collector::begin_named(const FileEntry& entry, std::string_view name,
                            const std::string& place) {
  const auto taken = [&](const std::string& earlier, const std::string& where) {
    if (!iequals(earlier, name)) return false;
    errors.push_back(place + ": [" + entry.section + "] is already at " + where);
    section_ = nullptr;
    return true;
  };
  if (section_->name == "client") {
    for (const ClientDraft& one : draft.clients)
      if (taken(one.settings.name, one.settings.place)) return;
    ClientSettings& client = draft.clients.emplace_back().settings;
    client.name = name;
    client.place = place;
    return;
  }
  for (const ListenerDraft& one : draft.listeners)
    if (taken(one.name, one.place)) return;
  ListenerDraft& listener = draft.listeners.emplace_back();
  listener.name = name;
  listener.place = place;
}

void Collector::add_entry(const FileEntry& entry, const std::string& file,
                          const Environment& environment) {
  const std::string place = file + ":" + std::to_string(entry.line);
  if (entry.key.empty()) return begin_section(entry, place);
  if (entry.section.empty()) {
    errors.push_back(place + ": \"" + entry.key + "\" stands before the first [section]");
    return;
  }
  if (section_ == nullptr) return;  // told at its heading
  const Match match = find_key(section_->name, entry.key);
  if (match.option == nullptr) return explain_unknown_key(entry, place);
  const std::string where = place + ": [" + entry.section + "] " + entry.key;
  // [model PATTERN] and [price PATTERN] may come again, for another backend.
  const std::string scope = draft.current_model > 0 ? std::to_string(draft.current_model)
                            : section_->name == "price"
                                ? "price " + std::to_string(draft.prices.size())
                                : entry.section;
  const auto [line, is_new] = lines_.emplace(scope + "\n" + entry.key, entry.line);
  if (!is_new && match.option->domain.kind != Kind::list) {
    errors.push_back(where + ": already set on line " + std::to_string(line->second));
    return;
  }
  const auto expanded = expand(entry.value, environment);
  if (!expanded)
    errors.push_back(where + ": " + expanded.error().message);
  else if (trim(*expanded).empty())
    errors.push_back(where + ": the value is missing");
  else
    heading_ = entry.section, set(*match.option, match.rest, *expanded, Source::file, where);
}

void Collector::explain_unknown_key(const FileEntry& entry, const std::string& place) {
  std::vector<std::string_view> names;
  std::string elsewhere;
  for (const Option& option : options()) {
    if (option.section == section_->name && !option.key.empty()) names.push_back(option.key);
    if (elsewhere.empty() && option.key == entry.key) elsewhere = option.section;
  }
  std::string remedy = hint(entry.key, names);
  if (remedy.empty() && !elsewhere.empty()) remedy = " (it belongs in [" + elsewhere + "])";
  errors.push_back(place + ": unknown key " + quoted(entry.key) + " in [" + entry.section + "]" +
                   remedy);
}

// ---- environment and flags ---------------------------------------------------------------------

void Collector::add_environment(const Environment& environment) {
  const auto value_of = [&](std::string_view name) -> const std::string* {
    const auto found = environment.find(name);
    // Compose files set variables to nothing to mean "not set".
    return found == environment.end() || trim(found->second).empty() ? nullptr : &found->second;
  };
  for (const Option& option : options()) {
    if (option.env.empty()) continue;
    std::string_view used;
    for (std::string_view variable : split(option.env, ' ')) {
      if (variable.back() == '*') continue;
      const std::string* value = value_of(variable);
      if (value == nullptr) continue;
      if (is_service_link(option, *value)) {
        warnings.push_back(
            "environment variable " + std::string(variable) +
            ": this is the address of a service, as container platforms set it; ignored");
      } else if (used.empty()) {
        set(option, {}, *value, Source::environment,
            "environment variable " + std::string(variable));
        used = variable;
      } else if (*value != *value_of(used)) {
        warnings.push_back("both " + std::string(used) + " and " + std::string(variable) +
                           " are set and differ; " + std::string(used) + " counts");
      }
    }
  }
  for (const auto& [name, value] : environment) {
    const Match match = find_variable(name);
    if (match.option != nullptr && !match.rest.empty() && !trim(value).empty())
      set(*match.option, match.rest, value, Source::environment, "environment variable " + name);
  }
  warn_near_misses(environment);
}

void Collector::add_credentials(const Environment& environment, const ReadFile& read) {
  if (credentials.empty()) return;
  const auto is_set = [&](std::string_view name) {
    const auto found = environment.find(name);
    return found != environment.end() && !trim(found->second).empty();
  };
  for (const Option& option : options()) {
    if (option.domain.kind != Kind::secret || option.env.empty()) continue;
    const auto variables = split(option.env, ' ');
    if (std::any_of(variables.begin(), variables.end(), is_set)) continue;
    std::vector<std::string> names;
    for (const std::string_view variable : variables)
      if (variable.back() != '*')
        for (std::string& name : credential_names(variable)) names.push_back(std::move(name));
    for (const std::string& name : names) {
      const auto text = read(credentials + "/" + name);
      // Nobody has asked for it by name, so that one that may not be read is none: the folder is
      // closed to commands that systemd runs beside the daemon. An empty one stands for a key that
      // there is not (SetCredential= as a fallback).
      if (!text || !*text || trim(**text).empty()) continue;
      set(option, {}, trim(**text), Source::environment, "credential " + name);
      break;
    }
  }
}

// A misspelt variable is silently without effect, so one that is nearly right is worth a word.
void Collector::warn_near_misses(const Environment& environment) {
  constexpr std::string_view kPrefix = "CLASP_";
  constexpr std::size_t kNear = 3;
  std::vector<std::string_view> names;
  for (const Option& option : options())
    for (std::string_view variable : split(option.env, ' '))
      if (variable.substr(0, kPrefix.size()) == kPrefix) names.push_back(variable);
  for (const auto& [name, value] : environment) {
    if (name.substr(0, kPrefix.size()) != kPrefix || find_variable(name).option != nullptr)
      continue;
    const std::string_view meant = nearest(name, names);
    if (!meant.empty() && edit_distance(name, meant) <= kNear)
      warnings.push_back("the environment variable " + scrub_utf8(name.substr(0, 60)) +
                         " is not known and ignored; did you mean " + std::string(meant) + "?");
  }
}

void Collector::add_arguments(const std::vector<Argument>& arguments) {
  for (const Argument& argument : arguments)
    set(*argument.option, {}, argument.value, Source::flag, "option " + argument.flag);
}

// ---- what has no effect any more ---------------------------------------------------------------

void Collector::report_unavailable() {
  for (const Option& option : options()) {
    const auto found = given_.find(&option);
    if (found == given_.end() || !found->second.differs) continue;
    const std::string& place = found->second.place;
    if (option.status == Status::retired)
      warnings.push_back(place + ": no longer has an effect; " + option.instead);
  }
}

Source Collector::source_of(const Option& option) const {
  const auto found = given_.find(&option);
  return found == given_.end() ? Source::none : found->second.source;
}

std::string Collector::place_of(const Option& option) const {
  const auto found = given_.find(&option);
  return found == given_.end() ? "" : found->second.place;
}

}  // namespace clasp::config
