// Listen addresses as text into Listener values. Opens nothing.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "config/settings.h"

namespace clasp::config {

// The name of the one that is there because no address was configured.
inline constexpr std::string_view kDefaultListener = "(default)";

// ADDRESS, ADDRESS:PORT, [IPV6], [IPV6]:PORT, *[:PORT], :PORT, localhost[:PORT], unix:/PATH.
Result<Listener> parse_listener(std::string_view text, std::uint16_t default_port);
// The same back, with the port; "unix:/run/clasp.sock".
std::string render_listener(const Listener& listener);

}  // namespace clasp::config
