// Any bytes as a PROXY header, and as the lists of proxies that HTTP knows: the header's parser
// decides in bounded time whatever the cuts, and a result is an address.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "core/wire/forwarded.h"
#include "core/wire/proxy_header.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace clasp;
  using namespace clasp::wire;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const ProxyHeader header = parse_proxy_header(text);
  using State = ProxyHeader::State;
  if (header.state == State::incomplete) require(size < kMaxProxyHeader);
  if (header.state == State::complete) {
    require(header.size > 0 && header.size <= size && header.size <= kMaxProxyHeader);
    // Less is never more, and what follows changes nothing.
    for (std::size_t n = 0; n < header.size; ++n)
      require(parse_proxy_header(text.substr(0, n)).state == State::incomplete);
    require(parse_proxy_header(text.substr(0, header.size)).source == header.source);
    if (header.source) require(parse_peer(render_peer(*header.source)) == header.source);
  }
  static const std::vector<Network> kTrusted{*parse_network("10.0.0.0/8")};
  for (const char* name : {"x-forwarded-for", "forwarded"}) {
    Headers headers;
    headers.add(name, text);
    const std::string client = find_client("10.0.0.1:5", headers, kTrusted, false);
    require(parse_peer(client).has_value());
  }
  return 0;
}
