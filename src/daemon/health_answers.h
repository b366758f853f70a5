// What /health and /providers/health say: how the daemon and each backend are, from the desk's
// books. Names, states and numbers only; no address and no key.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/exchange/catalog.h"
#include "core/policy/desk_status.h"
#include "daemon/json_tree.h"

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

// The long form of one backend, a new reference.
json_t* make_backend_object(const exchange::Backend& backend, const policy::BackendStatus& status,
                            bool breaker, TimePoint now);
json_t* make_queue_object(const policy::QueueStatus& queue);
// Each backend with its state. For a moment of a reload a worker's catalog and the desk may know
// different ones.
std::vector<std::pair<const exchange::Backend*, const policy::BackendStatus*>> backend_pairs(
    const exchange::Catalog& catalog, const policy::DeskStatus& desk);

}  // namespace clasp::daemon
