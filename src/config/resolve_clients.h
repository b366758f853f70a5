// Who may come in: [auth], the keys file and [client NAME] sections become Settings::auth. Keys
// are kept as SHA-256 digests only.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "config/resolve.h"

namespace clasp::config {

// Adds to the collector's errors and warnings.
void resolve_clients(Collector& collector, const FileReader& read_file);

// Names of clients stand in logs, metrics and files as they are.
bool is_client_name(std::string_view name);
inline constexpr std::string_view kClientNameRule =
    "a client's name has 1 to 64 letters, digits, dots, dashes, underlines and @, nothing else";

// "2027-01-31" or "2027-01-31T12:00:00Z": the Unix second from which on it has passed. Of a day
// that is the end.
Result<std::int64_t> parse_expiry(std::string_view text);

}  // namespace clasp::config
