// Rendering of request heads. See the header.
#include "core/wire/http_request.h"

#include <algorithm>
#include <array>

#include "base/text.h"
#include "core/wire/http_chars.h"

namespace clasp::wire {
namespace {

constexpr std::array<std::string_view, 9> kHopFields{
    "Host", "Content-Length", "Connection",         "Transfer-Encoding", "Keep-Alive", "Upgrade",
    "TE",   "Expect",         "Proxy-Authorization"};

bool is_hop_field(std::string_view name) {
  return std::any_of(kHopFields.begin(), kHopFields.end(), [name](std::string_view hop) {
    return hop.size() == name.size() && iequals(hop, name);
  });
}

void add_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

Result<std::string> render_request_head(const RequestHeadParts& parts, const Headers& headers) {
  if (!is_token(parts.method)) return fail("bad request method");
  std::string out;
  out.reserve(512);
  out.append(parts.method).append(" ").append(parts.target).append(" HTTP/1.1\r\n");
  add_field(out, "Host", parts.host);
  for (const auto& [name, value] : headers) {
    if (is_hop_field(name)) continue;
    if (!is_token(name)) return fail("bad name of a request header");
    if (!is_field_value(value))
      return fail("control character in the request header " + std::string(name));
    add_field(out, name, value);
  }
  if (!parts.proxy_authorization.empty())
    add_field(out, "Proxy-Authorization", parts.proxy_authorization);
  if (parts.body_length != 0 || parts.method == "POST" || parts.method == "PUT")
    add_field(out, "Content-Length", std::to_string(parts.body_length));
  return out += "\r\n";
}

}  // namespace clasp::wire
