// Where clients are accepted: `listen`, [listener NAME] sections and the proxies that are believed.
#pragma once

#include "config/collect.h"

namespace clasp::config {

// Fills Settings::listeners and trusted_proxies. Adds to the collector's errors and warnings; looks
// at no file.
void resolve_listeners(Collector& collector);

}  // namespace clasp::config
