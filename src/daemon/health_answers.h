// What /health and /providers/health say: how the daemon and each backend are, from the desk's
// books. Names, states and numbers only; no address and no key.
#pragma once

#include <string>

#include "core/exchange/catalog.h"
#include "core/policy/desk_status.h"

namespace clasp::daemon {

struct HealthFacts {
  std::string version;
  TimePoint started{}, now{};
  bool draining = false;
};

// "healthy", "degraded": a backend that requests may go to is down or its breaker is not closed,
// "draining".
std::string_view health_word(const policy::DeskStatus& desk, bool draining);

// JSON objects, compact.
std::string render_health(const exchange::Catalog& catalog, const policy::DeskStatus& desk,
                          const HealthFacts& facts);
std::string render_providers_health(const exchange::Catalog& catalog,
                                    const policy::DeskStatus& desk, const HealthFacts& facts);

// "5m30s", as people write it: the two largest units.
std::string render_uptime(std::int64_t seconds);

}  // namespace clasp::daemon
