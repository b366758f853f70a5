// Who asks: the configured clients, found by the key that a request presents or by its certificate
// (docs/operating.md, Keys). Immutable, shared by all workers as a part of the catalog.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/result.h"
#include "base/secret.h"
#include "base/sha256.h"
#include "config/settings.h"
#include "core/wire/api_error.h"
#include "core/wire/headers.h"

namespace clasp::policy {

using ClientPtr = std::shared_ptr<const config::ClientSettings>;

// The keys of a request's head, views into it; empty: not sent.
struct PresentedKeys {
  std::string_view x_api_key;
  std::string_view bearer;
  bool repeated = false;  // a header came twice, and said different things
  bool any() const { return !x_api_key.empty() || !bearer.empty(); }
};
PresentedKeys presented_keys(const wire::Headers& headers);

class Clients {
 public:
  explicit Clients(const config::AuthSettings& settings);

  // False: nobody is asked for a key.
  bool required() const { return required_; }

  // The client of a request, never null; else what it is told. `now` in Unix seconds.
  // Claude Code sends x-api-key and a bearer token both when it was given both: one of them that is
  // valid is enough, since it would be enough alone; two that are valid must be the same client's.
  // A certificate counts where no valid key was sent, because programs send some key in any case.
  Result<ClientPtr, wire::ApiError> identify(const PresentedKeys& keys,
                                             std::string_view certificate_name,
                                             std::int64_t now) const;

 private:
  // Secrets are looked up by their digest. How long that takes depends on digests alone, which
  // nobody can steer towards a stored one without knowing its key: what a clock could tell of the
  // table is of no use. No key and no part of one is ever compared.
  struct DigestHash {
    std::size_t operator()(const Sha256& digest) const;
  };
  ClientPtr find(std::string_view key) const;

  bool required_ = false;
  std::unordered_map<Sha256, ClientPtr, DigestHash> by_key_;
  std::unordered_map<std::string, ClientPtr> by_certificate_;
};

// By the name that the client asks for; upper and lower case are the same, as they are in routes.
bool may_ask_for(const config::ClientSettings& client, std::string_view model);
wire::ApiError model_refusal(std::string_view model);

// The key to hand on to a backend with pass_client_key. Of two different ones the one that the
// client was not let in with: that one is ours. Empty: none was sent.
Secret key_to_pass(const wire::Headers& headers, const config::ClientSettings* client);

}  // namespace clasp::policy
