// Where clients are accepted: `listen`, [listener NAME] sections and the proxies that are believed.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "config/collect.h"

namespace clasp::config {

// Fills Settings::listeners and trusted_proxies. Adds to the collector's errors and warnings; looks
// at no file.
void resolve_listeners(Collector& collector);

// "0660", "660": permission bits of a file. Nothing for everything else.
std::optional<std::uint32_t> parse_file_mode(std::string_view text);

}  // namespace clasp::config
