// What was used and spent: by client, model and backend, and each client's sums of the day and the
// month that its budgets are held against. Pure: time is passed in; daemon/shared_costs.h puts a
// lock around it and keeps it in a file.
//
// Days and months are those of UTC. A request counts for the day in which it ends.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "config/settings.h"

namespace clasp::policy {

struct Spent {
  std::uint64_t requests = 0;
  std::uint64_t input_tokens = 0, output_tokens = 0, cached_tokens = 0;
  std::uint64_t unpriced = 0;  // requests of models without a price; their cost is not counted
  std::int64_t cost = 0;       // nano-dollars
  friend bool operator==(const Spent&, const Spent&) = default;
};

// Cost of the last day and month in which something was spent, nano-dollars.
struct PeriodCosts {
  std::int64_t day = 0, day_cost = 0;  // days since 1970
  std::int64_t month_cost = 0;         // of the month of `day`
  friend bool operator==(const PeriodCosts&, const PeriodCosts&) = default;
};

struct ClientSpent {
  Spent all;
  PeriodCosts periods;
  friend bool operator==(const ClientSpent&, const ClientSpent&) = default;
};

// One request that is over.
struct Charge {
  std::string_view client;  // empty: a stranger
  std::string_view model, backend;
  std::int64_t input_tokens = 0, output_tokens = 0, cached_tokens = 0;
  std::int64_t cost = 0;
  bool priced = true;
};

struct LedgerState {
  std::int64_t since = 0;  // Unix seconds; 0: nothing was counted yet
  Spent total;
  PeriodCosts periods;
  std::map<std::string, ClientSpent, std::less<>> clients;  // "": strangers
  std::map<std::string, Spent, std::less<>> models, backends;
  friend bool operator==(const LedgerState&, const LedgerState&) = default;
};

enum class BudgetPeriod { day, month };

// A budget that is used up.
struct BudgetRefusal {
  BudgetPeriod period = BudgetPeriod::day;
  std::int64_t budget = 0;      // nano-dollars
  std::int64_t renewed_at = 0;  // Unix seconds
};

class Ledger {
 public:
  // Names of models come from clients: further ones are counted under kOther.
  static constexpr std::size_t kModels = 1000;
  static constexpr std::size_t kLongestName = 128;
  static constexpr std::string_view kOther = "other";

  void add(const Charge& charge, std::int64_t unix_now);
  std::optional<BudgetRefusal> over_budget(const config::ClientSettings& client,
                                           std::int64_t unix_now) const;

  const LedgerState& state() const { return state_; }
  void restore(LedgerState state) { state_ = std::move(state); }
  // Grows with every change.
  std::uint64_t version() const { return version_; }

 private:
  LedgerState state_;
  std::uint64_t version_ = 0;
};

// The day that something which ends now belongs to. A clock that goes back by a day or less does
// not bring a day back; one that goes back further was wrong before.
std::int64_t accounting_day(const PeriodCosts& periods, std::int64_t unix_now);
// What was spent in the day and the month of `day`.
std::int64_t spent_in(const PeriodCosts& periods, BudgetPeriod period, std::int64_t day);
// When the period that `day` is in ends.
std::int64_t end_of(BudgetPeriod period, std::int64_t day);

// Sums stop at the largest number.
std::int64_t add_cost(std::int64_t sum, std::int64_t cost);
inline constexpr std::int64_t kNanoPerMicro = 1000;

// Nano-dollars as a decimal number of dollars: "12.5", "0.000000001", "0".
std::string render_usd(std::int64_t nano);

}  // namespace clasp::policy
