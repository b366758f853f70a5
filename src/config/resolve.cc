// Choosing the provider, and everything that concerns more than one backend. Opens nothing.
#include "config/resolve.h"

#include <algorithm>

#include "base/text.h"
#include "config/default_prices.h"
#include "config/finish_backend.h"
#include "config/presets.h"
#include "config/resolve_clients.h"
#include "config/resolve_listeners.h"
#include "config/resolve_routing.h"

namespace clasp::config {
namespace {

constexpr std::string_view kUnconfigured =
    "no provider is configured. Choose one of these:\n"
    "  set the key of a provider, for example OPENAI_API_KEY, OPENROUTER_API_KEY or "
    "GEMINI_API_KEY\n"
    "  set AZURE_API_KEY, AZURE_OPENAI_ENDPOINT and AZURE_DEPLOYMENT_NAME\n"
    "  set CUSTOM_BASE_URL (or OLLAMA_BASE_URL), for example http://localhost:11434/v1\n"
    "  write a [backend] section into a configuration file, see clasp.conf(5)\n"
    "  run clasp -provider demo to try it without any provider";

class Resolver {
 public:
  Resolver(Collector& collector, const FileReader& read_file)
      : collector_(collector),
        draft_(collector.draft),
        settings_(draft_.settings),
        read_file_(read_file) {}

  void run() {
    resolve_log();
    resolve_tracing();
    resolve_listeners(collector_);
    resolve_control();
    resolve_origins();
    resolve_aliases();
    resolve_media();
    resolve_clients(collector_, read_file_);
    resolve_limits();
    resolve_backends();
    resolve_models();
    resolve_routing(collector_, read_file_);
    if (settings_.backends.empty() && collector_.errors.empty()) error(std::string(kUnconfigured));
    resolve_model_rules();
    resolve_prices();
    warn_about_flags();
  }

 private:
  void error(std::string text) { collector_.errors.push_back(std::move(text)); }
  void warn(std::string text) { collector_.warnings.push_back(std::move(text)); }

  void resolve_log() {
    constexpr LogLevel kLevels[] = {LogLevel::debug, LogLevel::info, LogLevel::warn,
                                    LogLevel::error};
    for (LogLevel level : kLevels)
      if (render_log_level(level) == draft_.log_level) settings_.log_level = level;
    if (!draft_.debug) return;
    settings_.log_level = LogLevel::debug;
    settings_.debug_requests = settings_.debug_responses = true;
  }

  void resolve_tracing() {
    for (const auto& [name, value] : settings_.tracing.headers)
      if (!is_header_name(name) || is_own_header(name))
        error("[tracing] header." + quoted(name) + ": no header that can be set");
  }

  void resolve_control() {
    const auto place = [this](std::string_view key) {
      return collector_.place_of(*find_key("control", key).option) + ": ";
    };
    if (const auto mode = parse_file_mode(draft_.control_mode))
      settings_.control.mode = *mode;
    else
      error(place("mode") + quoted(draft_.control_mode) + " is no mode such as 0660");
    std::string& socket = settings_.control.socket;
    if (socket.starts_with("unix:")) socket.erase(0, 5);
    constexpr std::size_t kMaxPath = 107;  // sun_path less its terminator
    if (socket == "auto" || socket == "off") return;
    if (!socket.starts_with('/') || socket.size() > kMaxPath)
      error(place("socket") + quoted(socket) +
            " is neither an absolute path of 107 characters at most, nor auto, nor off");
  }

  // As browsers write them: scheme, host, port, nothing behind.
  void resolve_origins() {
    for (const std::string& origin : settings_.cors_origins) {
      const std::size_t host = origin.find("://");
      const bool whole = host != std::string::npos && host > 0 && host + 3 < origin.size() &&
                         origin.find_first_of("/ *?#@", host + 3) == std::string::npos;
      if (origin != "*" && !whole)
        error(collector_.place_of(*find_flag("cors-origins")) + ": " + quoted(origin) +
              " is no origin such as https://app.example, nor *");
    }
  }

  void resolve_aliases() {
    for (const std::string& pair : draft_.alias_list) {
      const auto colon = pair.find(':');
      const std::string_view alias = trim(std::string_view(pair).substr(0, colon));
      const std::string_view model = colon == std::string::npos
                                         ? std::string_view{}
                                         : trim(std::string_view(pair).substr(colon + 1));
      if (alias.empty() || model.empty())
        error("environment variable CLASP_MODEL_ALIASES: " + quoted(pair) + " is not alias:model");
      else
        settings_.models.aliases.insert_or_assign(to_lower(alias), std::string(model));
    }
    // A variable's name cannot hold the dashes that model names are full of.
    const auto copy = settings_.models.aliases;
    for (const auto& [alias, model] : copy) {
      std::string dashed = alias;
      std::replace(dashed.begin(), dashed.end(), '_', '-');
      settings_.models.aliases.emplace(std::move(dashed), model);
    }
  }

  void resolve_media() {
    settings_.media.pdf_text = draft_.pdf_text != "off";
    for (const std::string& text : draft_.fetch_networks) {
      const auto network = parse_network(text);
      if (network)
        settings_.media.fetch_networks.push_back(*network);
      else
        error(collector_.place_of(*find_key("media", "fetch_networks").option) + ": " +
              quoted(text) + ": " + network.error().message);
    }
  }

  // The shipped ones first: the last one that matches counts.
  void resolve_prices() {
    settings_.costs.prices = default_prices();
    for (PriceDraft& price : draft_.prices) {
      PriceRule& rule = price.rule;
      const std::string where = rule.place + ": [price " + rule.pattern + "]";
      if (price.input < 0 || price.output < 0)
        error(where + " needs both input and output, in dollars per million tokens");
      if (!rule.backend.empty() && !find_backend_name(rule.backend))
        error(where + " backend: there is no backend " + quoted(rule.backend));
      rule.input = price.input;
      rule.output = price.output;
      rule.cache_read = price.cache_read < 0 ? rule.input : price.cache_read;
      rule.cache_write = price.cache_write < 0 ? rule.input : price.cache_write;
      settings_.costs.prices.push_back(std::move(rule));
    }
  }

  void resolve_limits() {
    settings_.rate_limit.scope =
        draft_.rate_limit_scope == "client" ? RateScope::client : RateScope::global;
  }

  // ---- backends --------------------------------------------------------------------------------

  void resolve_backends() {
    std::vector<BackendDraft*> order = order_backends();
    for (const BackendDraft* backend : order) {
      auto finished = finish_backend(collector_, read_file_, *backend);
      if (finished) settings_.backends.push_back(std::move(*finished));
    }
  }

  // The default one first. Fills in the nameless backend's provider when it is to be found out.
  std::vector<BackendDraft*> order_backends() {
    std::vector<BackendDraft*> order;
    for (std::size_t i = 1; i < draft_.backends.size(); ++i) order.push_back(&draft_.backends[i]);
    BackendDraft& nameless = draft_.backends.front();
    const auto named = std::find_if(order.begin(), order.end(), [&](const BackendDraft* backend) {
      return iequals(backend->name, nameless.provider);
    });
    if (!nameless.provider.empty() && named != order.end()) {
      std::rotate(order.begin(), named, named + 1);
      overlay(nameless, *order.front());
      return order;
    }
    const bool own_section = collector_.source_of(*find_flag("base-url")) == Source::file;
    if (nameless.provider.empty() && !nameless.base_url.empty() && (order.empty() || own_section))
      nameless.provider = "custom";
    if (nameless.provider.empty() && !order.empty()) {
      overlay(nameless, *order.front());
      return order;
    }
    if (nameless.provider.empty()) nameless.provider = detect();
    if (!nameless.provider.empty()) order.insert(order.begin(), &nameless);
    return order;
  }

  // Flags and environment are stronger than the section of the backend they end up describing.
  static void overlay(const BackendDraft& from, BackendDraft& to) {
    if (!from.base_url.empty()) to.base_url = from.base_url;
    if (!from.dialect.empty()) to.dialect = from.dialect;
    if (from.max_concurrency != 0) to.max_concurrency = from.max_concurrency;
    if (from.api_key.empty() && from.api_key_file.empty()) return;
    to.api_key = from.api_key;
    to.api_key_file = from.api_key_file;
  }

  std::string detect() {
    for (const Preset& preset : presets()) {
      const auto found = draft_.credentials.find(preset.name);
      if (found == draft_.credentials.end()) continue;
      if (is_detected(preset, !found->second.key.empty(), !found->second.base_url.empty()))
        return std::string(preset.name);
    }
    if (has_tier_provider(draft_)) return "";
    if (draft_.demo_if_unconfigured) {
      settings_.demo_fallback = true;
      warn(
          "NO PROVIDER IS CONFIGURED: every request gets a canned demo answer. Set a provider's "
          "key, for "
          "example OPENAI_API_KEY, or write a [backend] section, and restart");
      return "demo";
    }
    error(std::string(kUnconfigured));
    return "";
  }

  // ---- the rest --------------------------------------------------------------------------------

  // -model and CLASP_MODEL are stronger than a model in the file, also one of a [backend].
  void resolve_models() {
    if (settings_.backends.empty() || collector_.source_of(*find_flag("model")) <= Source::file)
      return;
    BackendSettings& first = settings_.backends.front();
    // On Azure's v1 path the model's name is the deployment, nothing else would be found.
    const bool azure_v1 = first.provider == "azure" && first.azure_api_version.empty();
    if (!azure_v1 || first.azure_deployment.empty()) first.model.clear();
  }

  void resolve_model_rules() {
    settings_.models.refuse_unknown = draft_.unknown_models == "refuse";
    for (std::size_t i = 1; i < draft_.model_rules.size(); ++i) {
      ModelRule& rule = draft_.model_rules[i];
      const std::string where = rule.place + ": [model " + rule.name + "]";
      if (!rule.backend.empty() && !find_backend_name(rule.backend)) {
        std::vector<std::string_view> names;
        for (const BackendSettings& backend : settings_.backends) names.push_back(backend.name);
        error(where + " backend: there is no backend " + quoted(rule.backend) +
              hint(rule.backend, names));
      }
      for (const ModelRule& earlier : settings_.models.rules)
        if (earlier.pattern == rule.pattern && iequals(earlier.backend, rule.backend))
          error(where + " is already at " + earlier.place);
      settings_.models.rules.push_back(std::move(rule));
    }
  }

  bool find_backend_name(std::string_view name) const {
    return std::any_of(
        settings_.backends.begin(), settings_.backends.end(),
        [name](const BackendSettings& backend) { return iequals(backend.name, name); });
  }

  void warn_about_flags() {
    if (collector_.source_of(*find_flag("api-key")) == Source::flag)
      warn(
          "option -api-key: every user of this machine can read the key in the process list; use "
          "the "
          "provider's variable or -api-key-file");
  }

  Collector& collector_;
  Draft& draft_;
  Settings& settings_;
  const FileReader& read_file_;
};

}  // namespace

void resolve(Collector& collector, const FileReader& read_file) {
  Resolver(collector, read_file).run();
}

}  // namespace clasp::config
