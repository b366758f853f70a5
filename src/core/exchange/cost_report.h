// GET /costs: the ledger as JSON, with what is left of the clients' budgets.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "config/settings.h"
#include "core/policy/ledger.h"

namespace clasp::exchange {

std::string render_costs(const policy::LedgerState& state,
                         const std::vector<config::ClientSettings>& clients, std::int64_t unix_now);

}  // namespace clasp::exchange
