// The ledger of all workers: a lock around core/policy/ledger.h. Records of finished requests come
// in, budgets are asked for, and the main thread writes it to its file from time to time.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "core/exchange/record.h"
#include "core/policy/ledger.h"
#include "core/wire/api_error.h"
#include "daemon/costs_file.h"

namespace clasp::daemon {

class SharedCosts final : public exchange::RecordSink {
 public:
  void on_record(const exchange::Record& record) override;
  bool wants_bodies(bool) const override { return false; }
  void on_body(std::string_view, std::string_view, std::string_view) override {}

  std::optional<policy::BudgetRefusal> over_budget(const config::ClientSettings& client,
                                                   std::int64_t unix_now) const;
  policy::LedgerState snapshot() const;

  // The next two by one thread only. Takes over what the file has.
  void keep_in(std::unique_ptr<CostsFile> file);
  // Writes what has changed since the last time, if there is a file. What failed is told once, and
  // tried again.
  void save();

  // Another process keeps the file from now on: what has been spent is written, and what is spent
  // from now on is told to it by `tell`, in lines, from any thread.
  using Tell = std::function<void(const std::string& line)>;
  void let_go(Tell tell);
  // It does not after all.
  Result<void> take_back();
  // What the process before this one tells.
  void add(std::string_view line);

 private:
  mutable std::mutex mutex_;
  policy::Ledger ledger_;       // guarded by mutex_
  std::set<std::string> told_;  // models without a price; guarded by mutex_
  Tell tell_;                   // guarded by mutex_
  std::unique_ptr<CostsFile> file_;
  std::string lent_path_;
  std::uint64_t saved_version_ = 0;
  bool failed_ = false;
};

// Opens the file where there is to be one. Warns when budgets would not survive a restart.
Result<void> open_costs(SharedCosts& costs, const config::Settings& settings,
                        const char* state_directories);

// 402, with when it is worth coming again; a retry helps nobody.
wire::ApiError budget_error(const std::string& client, const policy::BudgetRefusal& refusal);

}  // namespace clasp::daemon
