// Endpoint URLs and the sign-in header of a backend.
#include "core/policy/backend_address.h"

#include "base/text.h"
#include "base/url.h"

namespace clasp::policy {
namespace {

constexpr std::string_view kChat = "/chat/completions";
constexpr std::string_view kResponses = "/responses";
constexpr std::string_view kModels = "/models";
constexpr std::string_view kAzureFirstResponses = "2025-03-01";  // version of its API
constexpr std::size_t kDateLength = kAzureFirstResponses.size();
constexpr std::string_view kAzureV1 = "/openai/v1";

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

void trim_slashes(std::string& path) {
  while (!path.empty() && path.back() == '/') path.pop_back();
}

// A deployment's name as one segment of a path.
std::string escape_segment(std::string_view text) {
  std::string out;
  for (unsigned char c : text) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out.push_back(static_cast<char>(c));
    } else {
      constexpr char kDigits[] = "0123456789ABCDEF";
      out.append({'%', kDigits[c >> 4], kDigits[c & 15]});
    }
  }
  return out;
}

void add_query(Url& url, std::string_view parameter) {
  if (!url.query.empty()) url.query.push_back('&');
  url.query.append(parameter);
}

// The folder of an Azure resource without what people copy behind it from the portal.
void set_azure_path(Url& url, const config::BackendSettings& backend, std::string_view model,
                    std::string_view end) {
  const std::string& version = backend.azure_api_version;
  const bool too_old =
      end == kResponses && std::string_view(version).substr(0, kDateLength) < kAzureFirstResponses;
  if (ends_with(url.path, kAzureV1)) {
    url.path.append(end);
  } else if (version.empty() || too_old) {
    url.path.append(ends_with(url.path, "/openai") ? "/v1" : kAzureV1).append(end);
  } else {
    if (!ends_with(url.path, "/openai")) url.path.append("/openai");
    const std::string_view deployment =
        backend.azure_deployment.empty() ? model : backend.azure_deployment;
    if (end == kChat) url.path.append("/deployments/").append(escape_segment(deployment));
    url.path.append(end);
    if (url.query.find("api-version=") == std::string::npos)
      add_query(url, "api-version=" + version);
  }
}

bool has_parameter(std::string_view query, std::string_view wanted) {
  for (const std::string_view parameter : split(query, '&'))
    if (parameter == wanted) return true;
  return false;
}

// The base of a Messages API, up to and with /v1.
std::optional<Url> relay_base(const config::BackendSettings& backend) {
  auto url = parse_url(backend.base_url);
  if (!url) return std::nullopt;
  trim_slashes(url->path);
  if (ends_with(url->path, "/v1/messages"))
    url->path.resize(url->path.size() - std::string_view("/messages").size());
  if (!ends_with(url->path, "/v1")) url->path.append("/v1");
  return *url;
}

// `end`: the endpoint's own part of the path.
std::string endpoint(const config::BackendSettings& backend, std::string_view model,
                     std::string_view end) {
  auto url = parse_url(backend.base_url);
  if (!url) return "";
  trim_slashes(url->path);
  for (const std::string_view complete : {kChat, kResponses}) {
    if (!ends_with(url->path, complete)) continue;
    url->path.resize(url->path.size() - complete.size());
    url->path.append(end);
    return url->text();
  }
  if (backend.provider == "azure") {
    set_azure_path(*url, backend, model, end);
  } else {
    if (url->path.empty()) url->path = "/v1";
    url->path.append(end);
  }
  return url->text();
}

}  // namespace

std::string chat_url(const config::BackendSettings& backend, std::string_view model) {
  return endpoint(backend, model, kChat);
}

std::string responses_url(const config::BackendSettings& backend) {
  return endpoint(backend, {}, kResponses);
}

bool names_responses(const config::BackendSettings& backend) {
  auto url = parse_url(backend.base_url);
  if (!url) return false;
  trim_slashes(url->path);
  return ends_with(url->path, kResponses);
}

bool chat_url_names_model(const config::BackendSettings& backend) {
  return backend.provider == "azure" && backend.azure_deployment.empty();
}

std::string models_url(const config::BackendSettings& backend) {
  return endpoint(backend, {}, kModels);
}

bool has_beta_path(const config::BackendSettings& backend) {
  auto url = parse_url(backend.base_url);
  if (!url) return false;
  trim_slashes(url->path);
  if (ends_with(url->path, kChat)) url->path.resize(url->path.size() - kChat.size());
  return ends_with(url->path, "/beta");
}

std::string messages_url(const config::BackendSettings& backend, bool beta) {
  auto url = relay_base(backend);
  if (!url) return "";
  url->path.append("/messages");
  if (beta && !has_parameter(url->query, "beta=true")) add_query(*url, "beta=true");
  return url->text();
}

std::string relay_models_url(const config::BackendSettings& backend) {
  auto url = relay_base(backend);
  if (!url) return "";
  url->path.append("/models");
  add_query(*url, "limit=1000");
  return url->text();
}

std::optional<AuthHeader> auth_header(const config::BackendSettings& backend, std::size_t key) {
  const bool first = key == 0 || key > backend.more_keys.size();
  return auth_header_for(backend.auth, first ? backend.api_key : backend.more_keys[key - 1]);
}

std::optional<AuthHeader> auth_header_for(config::AuthKind kind, const Secret& key) {
  if (key.empty()) return std::nullopt;
  switch (kind) {
    case config::AuthKind::none:
      break;
    case config::AuthKind::bearer:
      return AuthHeader{"authorization", Secret("Bearer " + std::string(key.reveal()))};
    case config::AuthKind::api_key:
      return AuthHeader{"api-key", key};
    case config::AuthKind::x_api_key:
      return AuthHeader{"x-api-key", key};
  }
  return std::nullopt;
}

}  // namespace clasp::policy
