// Routes, tiers and fallbacks: fills Settings::routing, and adds the backends that these name and
// that have no section of their own.
#pragma once

#include "config/collect.h"
#include "config/resolve.h"

namespace clasp::config {

// Some tier says by itself where its requests go, so that no other provider need be configured.
bool has_tier_provider(const Draft& draft);

// After the configured backends are in draft.settings.backends. Adds to the collector's errors and
// warnings.
void resolve_routing(Collector& collector, const FileReader& read_file);

}  // namespace clasp::config
