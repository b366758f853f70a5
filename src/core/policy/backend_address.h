// Where a backend's endpoints are and how one signs in (translation spec §8). Pure text work.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "config/settings.h"

namespace clasp::policy {

// URL of the Chat Completions endpoint. A base without a path gets /v1; one that ends in
// /chat/completions is used as it is; its query is kept. `model` is the deployment on Azure's
// legacy path when none is configured. Empty for a backend without an address (demo).
std::string chat_url(const config::BackendSettings& backend, std::string_view model = {});
// URL of the Responses endpoint, by the same rules. Azure has one for all deployments; API versions
// that are older than it go to the path that needs none.
std::string responses_url(const config::BackendSettings& backend);
// The configured address is that endpoint itself.
bool names_responses(const config::BackendSettings& backend);
// False: it is the same for every model.
bool chat_url_names_model(const config::BackendSettings& backend);
// URL of the model list, by the same rules.
std::string models_url(const config::BackendSettings& backend);

// DeepSeek: the address under /beta, where an answer that was begun can be continued.
bool has_beta_path(const config::BackendSettings& backend);
// URL of the Messages endpoint of a backend that speaks that API itself: /v1/messages below the
// base, of which /v1 or the whole path may be there already.
std::string messages_url(const config::BackendSettings& backend, bool beta);
// URL of that backend's model list, in one page.
std::string relay_models_url(const config::BackendSettings& backend);

// The one header that carries the key.
struct AuthHeader {
  std::string_view name;  // lower case, static
  Secret value;
};
// Nothing when the backend has no key or wants none.
// `key`: 0 is api_key, then more_keys.
std::optional<AuthHeader> auth_header(const config::BackendSettings& backend, std::size_t key = 0);
std::optional<AuthHeader> auth_header_for(config::AuthKind kind, const Secret& key);

}  // namespace clasp::policy
