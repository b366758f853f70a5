// See backend_options.h. The proxy variables belong to no product, so they are not in the option
// table: every HTTP client on the system follows them.
#include "daemon/backend_options.h"

#include <cstdlib>

namespace clasp::daemon {

namespace {

// Lower case wins, as in other clients; upper-case HTTP_PROXY is read too: this is no CGI program.
std::string variable(const char* lower, const char* upper) {
  for (const char* name : {lower, upper})
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') return value;
  return {};
}

void add_proxy(KnownSecrets& secrets, std::string_view url) {
  if (const std::size_t scheme = url.find("://"); scheme != url.npos) url.remove_prefix(scheme + 3);
  const std::string_view authority = url.substr(0, url.find_first_of("/?#"));
  if (const std::size_t at = authority.rfind('@'); at != authority.npos)
    secrets.add_userinfo(authority.substr(0, at));
}

}  // namespace

BackendClientOptions make_backend_options(const config::Settings& settings) {
  BackendClientOptions options;
  options.ca_file = settings.ca_file;
  options.pool.idle_per_origin = settings.limits.pool_idle;
  options.proxy.http_proxy = variable("http_proxy", "HTTP_PROXY");
  options.proxy.https_proxy = variable("https_proxy", "HTTPS_PROXY");
  options.proxy.no_proxy = variable("no_proxy", "NO_PROXY");
  return options;
}

KnownSecrets proxy_secrets() {
  KnownSecrets secrets;
  add_proxy(secrets, variable("http_proxy", "HTTP_PROXY"));
  add_proxy(secrets, variable("https_proxy", "HTTPS_PROXY"));
  return secrets;
}

}  // namespace clasp::daemon
