// Who the client is behind proxies: X-Forwarded-For and Forwarded (RFC 7239), believed only as far
// as those who wrote them are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/network.h"
#include "core/wire/headers.h"

namespace clasp::wire {

// `peer` is who connected: "127.0.0.1:54321", "[::1]:54321", "unix". While the address in hand is a
// trusted proxy's, it is replaced by the one that this proxy appended, so the result is the
// rightmost address that nobody vouches for. Anything that is no address ends the walk, and so
// does the 64th entry. Forwarded counts only where there is no X-Forwarded-For: a proxy that
// writes one of them hands the other on as the client wrote it.
std::string find_client(std::string_view peer, const Headers& headers,
                        const std::vector<Network>& trusted, bool trust_unix_sockets);

}  // namespace clasp::wire
