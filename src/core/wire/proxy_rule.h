// Which proxy a backend is reached through: the customary HTTP_PROXY, HTTPS_PROXY and NO_PROXY
// values and the decision for one URL. It never reads the environment itself.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "core/wire/url.h"

namespace clasp::wire {

// The variables' values as found, empty when unset.
struct ProxySettings {
  std::string http_proxy;
  std::string https_proxy;
  std::string no_proxy;
};

class ProxyRules {
 public:
  ProxyRules() = default;
  explicit ProxyRules(const ProxySettings& settings);

  // The proxy for `target`, nothing for a direct connection, an error when the variable that
  // applies does not hold a usable proxy. localhost and loopback addresses are always direct.
  Result<std::optional<Url>> find(const Url& target) const;

 private:
  bool is_excluded(const Url& target) const;

  std::string http_proxy_;
  std::string https_proxy_;
  std::vector<std::string> no_proxy_;  // trimmed, lower case
};

// "Basic …" for the proxy's user and password, empty when it names no user.
std::string render_proxy_authorization(const Url& proxy);

}  // namespace clasp::wire
