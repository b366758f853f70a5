// Completing and checking one backend. Key files are read through the function that the caller
// gave; no address is resolved.
#include "config/finish_backend.h"

#include <algorithm>

#include "base/text.h"
#include "base/url.h"
#include "config/key_file.h"
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
  for (std::string_view word : split(words, ' '))
    out.append(out.empty() ? "" : " or ").append(word);
  return out;
}

}  // namespace

bool is_header_name(std::string_view name) {
  constexpr std::string_view kSeparators = "\"(),/:;<=>?@[\\]{}";
  for (char c : name)
    if (c <= ' ' || c > '~' || kSeparators.find(c) != std::string_view::npos) return false;
  return !name.empty();
}

bool is_own_header(std::string_view name) {
  for (std::string_view own : {"host", "content-length", "transfer-encoding", "connection",
                               "content-type", "accept-encoding", "expect", "upgrade"})
    if (iequals(own, name)) return true;
  return false;
}

namespace {

class Finisher {
 public:
  Finisher(Collector& collector, const FileReader& read_file)
      : collector_(collector), draft_(collector.draft), read_file_(read_file) {}

  std::optional<BackendSettings> finish(const BackendDraft& draft) {
    const std::string where = where_of(draft);
    const std::size_t errors_before = collector_.errors.size();
    const Preset* preset = preset_of(draft, where);
    if (preset == nullptr) return std::nullopt;
    const auto found = draft_.credentials.find(preset->name);
    const Credential credential = found == draft_.credentials.end() ? Credential{} : found->second;
    BackendSettings backend;
    backend.provider = preset->name;
    backend.name = draft.name.empty() ? backend.provider : draft.name;
    backend.dialect = draft.dialect.empty() ? std::string(preset->dialect) : draft.dialect;
    backend.auth = preset->auth;
    backend.model = draft.model;
    backend.flags = draft.flags;
    backend.body = draft.body;
    backend.geo = draft.geo;
    backend.context_window = draft.context_window;
    backend.places = draft.places;
    backend.base_url = !draft.base_url.empty()        ? draft.base_url
                       : !credential.base_url.empty() ? credential.base_url
                                                      : std::string(preset->base_url);
    backend.api_key = key_of(draft, credential, where, backend.more_keys);
    backend.max_concurrency = draft.max_concurrency;
    backend.pass_client_key = draft.pass_client_key;
    finish_headers(draft, where, backend);
    if (backend.provider != "demo") {
      check_key(*preset, where, backend);
      check_url(*preset, where, backend);
    }
    if (backend.provider == "azure") finish_azure(draft, where, backend);
    if (backend.provider == "gemini") finish_gemini(backend);
    if (collector_.errors.size() != errors_before) return std::nullopt;
    return backend;
  }

 private:
  void error(std::string text) { collector_.errors.push_back(std::move(text)); }
  void warn(std::string text) { collector_.warnings.push_back(std::move(text)); }

  const Preset* preset_of(const BackendDraft& backend, const std::string& where) {
    if (backend.provider.empty()) {
      if (!backend.base_url.empty()) return find_preset("custom");
      error(where + ": provider or base_url is missing");
      return nullptr;
    }
    const Preset* preset = find_preset(backend.provider);
    if (preset == nullptr)
      error(where + ": unknown provider " + quoted(backend.provider) +
            hint(backend.provider, provider_names()) + "; known are " + preset_names());
    return preset;
  }

  std::string where_of(const BackendDraft& backend) {
    if (!backend.name.empty()) return backend.place + ": [backend " + backend.name + "]";
    const std::string place = collector_.place_of(*find_flag("provider"));
    return place.empty() ? "provider " + backend.provider : place;
  }

  // The first key; those that follow it go to `more`.
  Secret key_of(const BackendDraft& draft, const Credential& credential, const std::string& where,
                std::vector<Secret>& more) {
    for (const std::string& key : draft.more_keys) more.emplace_back(key);
    Secret first = first_key_of(draft, credential, where, more);
    if (first.empty() && !more.empty()) {
      first = std::move(more.front());
      more.erase(more.begin());
    }
    return first;
  }

  Secret first_key_of(const BackendDraft& draft, const Credential& credential,
                      const std::string& where, std::vector<Secret>& more) {
    if (!draft.api_key.empty() && !draft.api_key_file.empty())
      error(where + ": api_key and api_key_file are both set");
    if (!draft.api_key.empty()) return draft.api_key;
    if (draft.api_key_file.empty()) return credential.key;
    std::vector<Secret> keys =
        read_key_file(collector_, read_file_, where + ": api_key_file", draft.api_key_file);
    if (keys.empty()) return {};
    more.insert(more.begin(), std::make_move_iterator(keys.begin() + 1),
                std::make_move_iterator(keys.end()));
    return std::move(keys.front());
  }

  void check_key(const Preset& preset, const std::string& where, const BackendSettings& backend) {
    if (!preset.needs_key || !backend.api_key.empty() || backend.pass_client_key) return;
    // Servers of one's own that speak the Messages API need none.
    if (preset.dialect == "anthropic" && backend.base_url != preset.base_url) return;
    std::string message = where + ": the provider " + backend.provider + " needs a key: set " +
                          join_or(preset.key_env) + ", or api_key_file in [backend]";
    if (backend.provider == "openai")
      message.append(
          ". For a server of your own that needs no key use -provider custom with CUSTOM_BASE_URL");
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
      error(where + ": the base URL " + url->authority() +
            " is CLASP's own listen address; requests would run "
            "in a circle");
    const bool has_key = !backend.api_key.empty() || backend.pass_client_key;
    if (!url->tls && has_key && !is_loopback_host(url->host))
      warn(where + ": the key travels unencrypted to " + url->authority() +
           ", because its URL begins with http://");
  }

  bool points_at_ourselves(const Url& url) const {
    if (!is_loopback_host(url.host)) return false;
    return std::any_of(draft_.settings.listeners.begin(), draft_.settings.listeners.end(),
                       [&](const Listener& listener) {
                         const bool reachable = is_loopback_host(listener.address) ||
                                                listener.address == "0.0.0.0" ||
                                                listener.address == "::";
                         return !listener.is_unix && listener.port == url.port && reachable;
                       });
  }

  void finish_azure(const BackendDraft& draft, const std::string& where, BackendSettings& backend) {
    const BackendDraft& inherited = draft_.backends.front();
    backend.azure_deployment =
        draft.azure_deployment.empty() ? inherited.azure_deployment : draft.azure_deployment;
    std::string version =
        draft.azure_api_version.empty() ? inherited.azure_api_version : draft.azure_api_version;
    const auto url = parse_url(backend.base_url);
    if (!url) return;
    std::string_view path = url->path;
    while (!path.empty() && path.back() == '/') path.remove_suffix(1);
    const bool v1_path = path.size() >= kAzureV1Path.size() &&
                         path.substr(path.size() - kAzureV1Path.size()) == kAzureV1Path;
    if (v1_path || iequals(version, "v1"))
      version.clear();
    else if (version.empty())
      version = kDefaultAzureVersion;
    for (char c : version)
      if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
            c == '-' || c == '.')) {
        error(where + ": azure_api_version " + quoted(version) +
              " is not a version such as 2024-10-21");
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

  void finish_headers(const BackendDraft& draft, const std::string& where,
                      BackendSettings& backend) {
    for (const auto& header : draft.headers) {
      const std::string& name = header.first;
      if (!is_header_name(name))
        error(where + ": header." + name + ": this is not a header name");
      else if (is_own_header(name))
        error(where + ": header." + name + ": this header is set by CLASP itself");
      else
        backend.extra_headers.insert(header);
    }
  }

  Collector& collector_;
  const Draft& draft_;
  const FileReader& read_file_;
};

}  // namespace

std::optional<BackendSettings> finish_backend(Collector& collector, const FileReader& read_file,
                                              const BackendDraft& draft) {
  return Finisher(collector, read_file).finish(draft);
}

}  // namespace clasp::config
