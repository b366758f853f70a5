// Any bytes as a URL: what is accepted holds nothing that could end a request line, and means the
// same when it is written out again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "core/wire/proxy_rule.h"
#include "core/wire/url.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace clasp::wire;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto target = parse_url("https://10.1.2.3:8443/");
  const ProxyRules rules({"p:1", "p:2", text});
  require(rules.find(*target).has_value());
  const auto url = parse_url(text);
  if (!url) return 0;
  require(!url->host.empty() && url->port != 0 && url->target.starts_with('/'));
  for (const char c : url->target + url->host) require(static_cast<unsigned char>(c) > 0x20);
  const auto again = parse_url(url->scheme + "://" + url->authority() + url->target);
  require(again && again->host == url->host && again->port == url->port &&
          again->target == url->target);
  (void)rules.find(*url);
  return 0;
}
