// See shared_costs.h.
#include "daemon/shared_costs.h"

#include <algorithm>

#include "base/calendar.h"
#include "base/log.h"

namespace clasp::daemon {

namespace {

// A name that may come from a client, fit for the log.
std::string shown(std::string_view name) {
  std::string out(name.substr(0, policy::Ledger::kLongestName));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < 0x21 || c == 0x7f; }, '?');
  return out;
}

}  // namespace

// Only what a backend was asked for: errors before that and answers from memory cost nothing.
void SharedCosts::on_record(const exchange::Record& record) {
  if (record.backend.empty() || !exchange::used_tokens(record)) return;
  policy::Charge charge;
  charge.client = record.client_name;
  charge.model = record.model_used;
  charge.backend = record.backend;
  charge.input_tokens = record.input_tokens;
  charge.output_tokens = record.output_tokens;
  charge.cached_tokens = record.cached_tokens;
  charge.cost = record.cost;
  charge.priced = record.priced;
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    ledger_.add(charge, record.ended);
    if (tell_) tell_(render_charge(charge, record.ended));
    news = !record.priced && told_.size() < policy::Ledger::kModels &&
           told_.insert(record.backend + "/" + shown(record.model_used)).second;
  }
  if (news)
    log_warn("no price is known for model " + shown(record.model_used) + " of backend " +
             record.backend +
             ": what it costs is not counted, and budgets do not hold it; see [price] in "
             "clasp.conf(5)");
}

std::optional<policy::BudgetRefusal> SharedCosts::over_budget(const config::ClientSettings& client,
                                                              std::int64_t unix_now) const {
  const std::lock_guard lock(mutex_);
  return ledger_.over_budget(client, unix_now);
}

policy::LedgerState SharedCosts::snapshot() const {
  const std::lock_guard lock(mutex_);
  return ledger_.state();
}

void SharedCosts::keep_in(std::unique_ptr<CostsFile> file) {
  file_ = std::move(file);
  const std::lock_guard lock(mutex_);
  ledger_.restore(file_->loaded());
}

void SharedCosts::save() {
  if (!file_) return;
  policy::LedgerState state;
  std::uint64_t version = 0;
  {
    const std::lock_guard lock(mutex_);
    version = ledger_.version();
    if (version == saved_version_) return;
    state = ledger_.state();
  }
  const auto written = file_->write(state);
  if (written) {
    saved_version_ = version;
    if (failed_) log_info("costs.file: " + file_->path() + " is written again");
  } else if (!failed_) {
    log_error(written.error().message + "; tried again until it succeeds");
  }
  failed_ = !written;
}

void SharedCosts::let_go(Tell tell) {
  policy::LedgerState state;
  {
    // What is not in the file is told: nothing may fall between the two, nor be in both.
    const std::lock_guard lock(mutex_);
    tell_ = std::move(tell);
    state = ledger_.state();
  }
  if (!file_) return;
  if (auto written = file_->write(state); !written) log_error(written.error().message);
  lent_path_ = file_->path();
  file_.reset();
}

// The other one has written nothing that counts: it never served anybody.
Result<void> SharedCosts::take_back() {
  {
    const std::lock_guard lock(mutex_);
    tell_ = nullptr;
  }
  if (lent_path_.empty()) return {};
  auto file = CostsFile::open(std::exchange(lent_path_, ""));
  if (!file) return tl::unexpected(file.error());
  file_ = std::move(*file);
  saved_version_ = 0;
  save();
  return {};
}

void SharedCosts::add(std::string_view line) {
  const auto told = parse_charge(line);
  if (!told) return log_warn("what the process before this one told of costs is not understood");
  const std::lock_guard lock(mutex_);
  ledger_.add(told->charge(), told->ended);
}

Result<void> open_costs(SharedCosts& costs, const config::Settings& settings,
                        const char* state_directories) {
  const std::string path = costs_path(settings.costs, state_directories);
  if (path.empty()) {
    const auto& clients = settings.auth.clients;
    const bool budgets = std::any_of(clients.begin(), clients.end(), [](const auto& client) {
      return client.daily_budget > 0 || client.monthly_budget > 0;
    });
    if (budgets)
      log_warn(
          "clients have budgets, and no costs.file is set: what they have spent is forgotten when "
          "the daemon stops");
    return {};
  }
  auto file = CostsFile::open(path);
  if (!file) return tl::unexpected(file.error());
  costs.keep_in(std::move(*file));
  return {};
}

wire::ApiError budget_error(const std::string& client, const policy::BudgetRefusal& refusal) {
  const char* period = refusal.period == policy::BudgetPeriod::day ? "daily" : "monthly";
  wire::ApiError error =
      wire::make_error(wire::ErrorType::billing,
                       std::string("the ") + period + " budget of $" +
                           policy::render_usd(refusal.budget) + " of client " + client +
                           " is used up; it is renewed at " + render_instant(refusal.renewed_at));
  error.should_retry = false;
  return error;
}

}  // namespace clasp::daemon
