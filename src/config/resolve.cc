// Choosing the provider and completing the backends. Asks nobody and opens nothing; key files are
// read through the function that the caller gave.
#include "config/resolve.h"

#include <algorithm>

#include "base/text.h"
#include "base/url.h"
#include "config/listen.h"
#include "config/presets.h"

namespace clasp::config {
namespace {

constexpr std::string_view kDefaultAzureVersion = "2024-02-15-preview";
constexpr std::string_view kAzureV1Path = "/openai/v1";

std::vector<std::string_view> provider_names() {
  std::vector<std::string_view> names;
  for (const Preset& preset : presets()) names.push_back(preset.name);
  return names;
}

std::string join_or(std::string_view words) {
  std::string out;
  for (std::string_view word : split(words, ' ')) out.append(out.empty() ? "" : " or ").append(word);
  return out;
}

constexpr std::string_view kUnconfigured =
    "no provider is configured. Choose one of these:\n"
    "  set the key of a provider, for example OPENAI_API_KEY, OPENROUTER_API_KEY or GEMINI_API_KEY\n"
    "  set AZURE_API_KEY, AZURE_OPENAI_ENDPOINT and AZURE_DEPLOYMENT_NAME\n"
    "  set CUSTOM_BASE_URL (or OLLAMA_BASE_URL), for example http://localhost:11434/v1\n"
    "  write a [backend] section into a configuration file, see clasp.conf(5)\n"
    "  run clasp -provider demo to try it without any provider";

class Resolver {
 public:
  Resolver(Collector& collector, const FileReader& read_file)
      : collector_(collector), draft_(collector.draft), settings_(draft_.settings), read_file_(read_file) {}

  void run() {
    resolve_log();
    resolve_listeners();
    resolve_aliases();
    resolve_backends();
    resolve_models();
    warn_about_flags();
  }

 private:
  void error(std::string text) { collector_.errors.push_back(std::move(text)); }
  void warn(std::string text) { collector_.warnings.push_back(std::move(text)); }

  void resolve_log() {
    constexpr LogLevel kLevels[] = {LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error};
    for (LogLevel level : kLevels)
      if (render_log_level(level) == draft_.log_level) settings_.log_level = level;
    if (!draft_.debug) return;
    settings_.log_level = LogLevel::debug;
    settings_.debug_requests = settings_.debug_responses = true;
  }

  void resolve_listeners() {
    const std::string place = collector_.place_of(*find_flag("listen"));
    if (draft_.listen.empty()) draft_.listen.emplace_back("127.0.0.1");
    for (const std::string& text : draft_.listen) {
      auto listener = parse_listener(text, static_cast<std::uint16_t>(draft_.port));
      if (!listener) {
        error(place + ": " + listener.error().message);
        continue;
      }
      const auto same = std::find(settings_.listeners.begin(), settings_.listeners.end(), *listener);
      if (same != settings_.listeners.end() && (listener->is_unix || listener->port != 0))
        error(place + ": " + render_listener(*listener) + " is listed twice");
      else
        settings_.listeners.push_back(std::move(*listener));
    }
  }

  void resolve_aliases() {
    for (const std::string& pair : draft_.alias_list) {
      const auto colon = pair.find(':');
      const std::string_view alias = trim(std::string_view(pair).substr(0, colon));
      const std::string_view model =
          colon == std::string::npos ? std::string_view{} : trim(std::string_view(pair).substr(colon + 1));
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

  // ---- backends --------------------------------------------------------------------------------

  void resolve_backends() {
    std::vector<BackendDraft*> order = order_backends();
    for (const BackendDraft* backend : order) {
      auto finished = finish(*backend);
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
    if (from.api_key.empty() && from.api_key_file.empty()) return;
    to.api_key = from.api_key;
    to.api_key_file = from.api_key_file;
  }

  std::string detect() {
    std::string skipped;
    for (const Preset& preset : presets()) {
      const auto found = draft_.credentials.find(preset.name);
      if (found == draft_.credentials.end() || preset.detect == Detect::never) continue;
      const bool key = !found->second.key.empty(), url = !found->second.base_url.empty();
      const bool eligible = (preset.detect == Detect::key && key) || (preset.detect == Detect::url && url) ||
                            (preset.detect == Detect::key_and_url && key && url);
      if (!eligible) continue;
      if (preset.available) {
        if (!skipped.empty()) warn("using the provider " + std::string(preset.name) + skipped);
        return std::string(preset.name);
      }
      skipped.append("\n  (").append(first_word(preset.key_env)).append(" is set, but this version cannot use ");
      skipped.append(preset.label).append(" as a provider)");
    }
    if (draft_.demo_if_unconfigured) {
      settings_.demo_fallback = true;
      warn("NO PROVIDER IS CONFIGURED: every request gets a canned demo answer. Set a provider's key, for "
           "example OPENAI_API_KEY, or write a [backend] section, and restart");
      return "demo";
    }
    error(std::string(kUnconfigured) + skipped);
    return "";
  }

  const Preset* preset_of(const BackendDraft& backend, const std::string& where) {
    if (backend.provider.empty()) {
      if (!backend.base_url.empty()) return find_preset("custom");
      error(where + ": provider or base_url is missing");
      return nullptr;
    }
    const Preset* preset = find_preset(backend.provider);
    if (preset == nullptr)
      error(where + ": unknown provider " + quoted(backend.provider) + hint(backend.provider, provider_names()) +
            "; known are " + preset_names());
    else if (!preset->available)
      error(where + ": the provider " + std::string(preset->name) + " is not available in this version; known are " +
            preset_names());
    return preset != nullptr && preset->available ? preset : nullptr;
  }

  std::string where_of(const BackendDraft& backend) {
    if (!backend.name.empty()) return backend.place + ": [backend " + backend.name + "]";
    const std::string place = collector_.place_of(*find_flag("provider"));
    return place.empty() ? "provider " + backend.provider : place;
  }

  Result<BackendSettings> finish(const BackendDraft& draft) {
    const std::string where = where_of(draft);
    const std::size_t errors_before = collector_.errors.size();
    const Preset* preset = preset_of(draft, where);
    if (preset == nullptr) return fail("");
    const auto found = draft_.credentials.find(preset->name);
    const Credential credential = found == draft_.credentials.end() ? Credential{} : found->second;
    BackendSettings backend;
    backend.provider = preset->name;
    backend.name = draft.name.empty() ? backend.provider : draft.name;
    backend.dialect = draft.dialect.empty() ? std::string(preset->dialect) : draft.dialect;
    backend.auth = preset->auth;
    backend.model = draft.model;
    backend.flags = draft.flags;
    backend.base_url = !draft.base_url.empty()       ? draft.base_url
                       : !credential.base_url.empty() ? credential.base_url
                                                      : std::string(preset->base_url);
    backend.api_key = key_of(draft, credential, where);
    finish_headers(draft, where, backend);
    if (backend.provider != "demo") {
      check_key(*preset, where, backend);
      check_url(*preset, where, backend);
    }
    if (backend.provider == "azure") finish_azure(draft, where, backend);
    if (backend.provider == "gemini") finish_gemini(backend);
    if (collector_.errors.size() != errors_before) return fail("");
    return backend;
  }

  Secret key_of(const BackendDraft& draft, const Credential& credential, const std::string& where) {
    if (!draft.api_key.empty() && !draft.api_key_file.empty())
      error(where + ": api_key and api_key_file are both set");
    if (!draft.api_key.empty()) return draft.api_key;
    if (draft.api_key_file.empty()) return credential.key;
    const auto text = read_file_(draft.api_key_file);
    const std::string prefix = where + ": api_key_file " + draft.api_key_file;
    if (!text) {
      error(prefix + ": " + text.error().message);
      return {};
    }
    const auto key = *text ? parse_value({Kind::secret}, **text) : fail("the file does not exist");
    if (!key)
      error(prefix + ": " + key.error().message);
    else if (key->text.empty())
      error(prefix + ": the file is empty");
    return key ? Secret(key->text) : Secret{};
  }

  void check_key(const Preset& preset, const std::string& where, const BackendSettings& backend) {
    if (!preset.needs_key || !backend.api_key.empty()) return;
    std::string message = where + ": the provider " + backend.provider + " needs a key: set " + join_or(preset.key_env) +
                          ", or api_key_file in [backend]";
    if (backend.provider == "openai")
      message.append(". For a server of your own that needs no key use -provider custom with CUSTOM_BASE_URL");
    error(std::move(message));
  }

  void check_url(const Preset& preset, const std::string& where, BackendSettings& backend) {
    if (backend.base_url.empty()) {
      error(where + ": the provider " + backend.provider + " needs an address: set " +
            std::string(first_word(preset.url_env)) + ", or base_url in [backend]");
      return;
    }
    const auto url = parse_url(backend.base_url);
    if (!url) {
      error(where + ": the base URL is not usable: " + url.error().message);
      return;
    }
    if (points_at_ourselves(*url))
      error(where + ": the base URL " + url->authority() + " is CLASP's own listen address; requests would run "
                    "in a circle");
    if (!url->tls && !backend.api_key.empty() && !is_loopback_host(url->host))
      warn(where + ": the key travels unencrypted to " + url->authority() + ", because its URL begins with http://");
  }

  bool points_at_ourselves(const Url& url) const {
    if (!is_loopback_host(url.host)) return false;
    return std::any_of(settings_.listeners.begin(), settings_.listeners.end(), [&](const Listener& listener) {
      const bool reachable = is_loopback_host(listener.address) || listener.address == "0.0.0.0" ||
                             listener.address == "::";
      return !listener.is_unix && listener.port == url.port && reachable;
    });
  }

  void finish_azure(const BackendDraft& draft, const std::string& where, BackendSettings& backend) {
    const BackendDraft& inherited = draft_.backends.front();
    backend.azure_deployment = draft.azure_deployment.empty() ? inherited.azure_deployment : draft.azure_deployment;
    std::string version = draft.azure_api_version.empty() ? inherited.azure_api_version : draft.azure_api_version;
    const auto url = parse_url(backend.base_url);
    if (!url) return;
    std::string_view path = url->path;
    while (!path.empty() && path.back() == '/') path.remove_suffix(1);
    const bool v1_path = path.size() >= kAzureV1Path.size() &&
                         path.substr(path.size() - kAzureV1Path.size()) == kAzureV1Path;
    if (v1_path || iequals(version, "v1")) version.clear();
    else if (version.empty()) version = kDefaultAzureVersion;
    for (char c : version)
      if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '.')) {
        error(where + ": azure_api_version " + quoted(version) + " is not a version such as 2024-10-21");
        return;
      }
    backend.azure_api_version = version;
    // The v1 path has no deployment in the URL; the model's name takes its role.
    if (backend.model.empty()) backend.model = backend.azure_deployment;
  }

  // Older set-ups name Google's native API; its OpenAI-compatible form lies one folder below.
  static void finish_gemini(BackendSettings& backend) {
    auto url = parse_url(backend.base_url);
    if (!url) return;
    while (!url->path.empty() && url->path.back() == '/') url->path.pop_back();
    if (url->path != "/v1beta") return;
    url->path.append("/openai");
    backend.base_url = url->text();
  }

  void finish_headers(const BackendDraft& draft, const std::string& where, BackendSettings& backend) {
    constexpr std::string_view kOurs[] = {"host", "content-length", "transfer-encoding", "connection",
                                          "content-type", "accept-encoding", "expect", "upgrade"};
    for (const auto& [name, value] : draft.headers) {
      const bool token = std::all_of(name.begin(), name.end(), [](unsigned char c) {
        return c > ' ' && c <= '~' && std::string_view("\"(),/:;<=>?@[\\]{}").find(static_cast<char>(c)) == std::string_view::npos;
      });
      if (!token)
        error(where + ": header." + name + ": this is not a header name");
      else if (std::any_of(std::begin(kOurs), std::end(kOurs), [&](std::string_view own) { return iequals(own, name); }))
        error(where + ": header." + name + ": this header is set by CLASP itself");
      else
        backend.extra_headers[name] = value;
    }
  }

  // ---- the rest --------------------------------------------------------------------------------

  // -model and CLASP_MODEL are stronger than a model in the file, also one of a [backend].
  void resolve_models() {
    if (settings_.backends.empty() || collector_.source_of(*find_flag("model")) <= Source::file) return;
    BackendSettings& first = settings_.backends.front();
    // On Azure's v1 path the model's name is the deployment, nothing else would be found.
    const bool azure_v1 = first.provider == "azure" && first.azure_api_version.empty();
    if (!azure_v1 || first.azure_deployment.empty()) first.model.clear();
  }

  void warn_about_flags() {
    if (collector_.source_of(*find_flag("api-key")) == Source::flag)
      warn("option -api-key: every user of this machine can read the key in the process list; use the "
           "provider's variable or -api-key-file");
  }

  Collector& collector_;
  Draft& draft_;
  Settings& settings_;
  const FileReader& read_file_;
};

}  // namespace

void resolve(Collector& collector, const FileReader& read_file) { Resolver(collector, read_file).run(); }

}  // namespace clasp::config
