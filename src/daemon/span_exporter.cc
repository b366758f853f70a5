// See span_exporter.h.
#include "daemon/span_exporter.h"

#include <ctime>

#include "base/log.h"
#include "base/words.h"
#include "core/exchange/span_json.h"

namespace clasp::daemon {

namespace {

constexpr unsigned kMostFailures = 3;  // of one batch
constexpr Duration kTellInterval{60'000};
constexpr std::int64_t kSecond = 1'000'000'000;

std::int64_t unix_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return static_cast<std::int64_t>(now.tv_sec) * kSecond + now.tv_nsec;
}

// The statuses after which the standard lets one try again.
bool may_pass(int status) {
  return status == 429 || (status >= 502 && status <= 504);
}

}  // namespace

SpanExporter::SpanExporter(event_base* base, Scheduler& scheduler, Mailbox& mailbox,
                           Resolver& resolver, const BackendClientOptions& options)
    : scheduler_(scheduler), mailbox_(mailbox), client_(base, scheduler, resolver, options) {}

SpanExporter::~SpanExporter() = default;

void SpanExporter::configure(const config::TracingSettings& settings) {
  settings_ = settings;
  exports_ = !settings.otlp_url.empty();
  failures_ = 0;
  retry_at_ = {};
  if (exports_) arm();
}

// ---- in -----------------------------------------------------------------------------------------

void SpanExporter::on_record(const exchange::Record& record) {
  if (!record.spans || !exports_) return;
  std::string spans = exchange::render_spans(record, unix_nanoseconds());
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (queue_.size() >= kMostQueued) {
      ++overflowed_;
      return;
    }
    queue_.push_back(std::move(spans));
    wake = queue_.size() >= kBatch && !woken_;
    if (wake) woken_ = true;
  }
  if (wake) mailbox_.send([this] { send(); });
}

// ---- out ----------------------------------------------------------------------------------------

void SpanExporter::arm() {
  if (timer_) return;
  timer_ = scheduler_.after(kInterval, [this] { tick(); });
}

void SpanExporter::tick() {
  timer_.reset();
  send();
  tell_drops();
  if (exports_) arm();
}

bool SpanExporter::take_batch() {
  const std::lock_guard lock(mutex_);
  woken_ = false;
  while (!queue_.empty() && batch_.size() < kBatch) {
    batch_.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return !batch_.empty();
}

void SpanExporter::send() {
  if (call_) return;
  if (batch_.empty() && !take_batch()) return;
  if (!exports_) return drop_batch("tracing was turned off");
  if (scheduler_.now() >= retry_at_) start_call();
}

void SpanExporter::start_call() {
  exchange::BackendRequest request;
  request.url = settings_.otlp_url;
  request.headers.add("user-agent", "clasp/" CLASP_VERSION);
  request.headers.add("content-type", "application/json");
  request.headers.add("accept-encoding", "identity");
  for (const auto& [name, value] : settings_.headers) request.headers.add(name, value);
  request.body = exchange::render_span_export(batch_, CLASP_VERSION);
  const std::int64_t limit = kCallLimit.count();
  request.timeouts = {limit, limit, limit, limit};
  status_ = 0;
  call_ = client_.start(std::move(request), *this);
  call_timer_ = scheduler_.after(kCallLimit, [this] { end_call(0, "no answer in time"); });
}

void SpanExporter::on_backend_head(int status, wire::Headers) {
  status_ = status;
}

void SpanExporter::on_backend_failed(const exchange::BackendFailure& failure) {
  // Its status was the whole answer.
  end_call(status_, status_ != 0 ? std::string_view() : failure.message);
}

void SpanExporter::end_call(int status, std::string_view problem) {
  call_timer_.reset();
  call_.reset();
  if (status >= 200 && status < 300) {
    batch_.clear();
    failures_ = 0;
    if (take_batch() && (flushed_ || batch_.size() >= kBatch)) return start_call();
    return check_flushed();
  }
  const std::string why =
      problem.empty() ? "the collector answered " + std::to_string(status) : std::string(problem);
  if ((status == 0 || may_pass(status)) && ++failures_ < kMostFailures && !flushed_) {
    retry_at_ = scheduler_.now() + kInterval * (1 << failures_) / 2;
    return;
  }
  drop_batch(why);
  check_flushed();
}

// ---- what is lost -------------------------------------------------------------------------------

void SpanExporter::drop_batch(std::string_view why) {
  undelivered_ += batch_.size();
  why_ = why;
  batch_.clear();
  failures_ = 0;
  retry_at_ = {};
}

void SpanExporter::tell_drops() {
  if (undelivered_ == 0 && overflowed_ == 0) return;
  const TimePoint now = scheduler_.now();
  if (told_at_ != TimePoint{} && now - told_at_ < kTellInterval && !flushed_) return;
  told_at_ = now;
  if (const std::uint64_t count = std::exchange(undelivered_, 0))
    log_warn("tracing: the spans of " + counted(count, "request") +
             " could not be delivered: " + why_);
  if (const std::uint64_t count = overflowed_.exchange(0))
    log_warn("tracing: the spans of " + counted(count, "request") +
             " were dropped: the collector is too slow");
}

// ---- the end ------------------------------------------------------------------------------------

void SpanExporter::flush(std::function<void()> done) {
  timer_.reset();
  flushed_ = std::move(done);
  retry_at_ = {};
  flush_timer_ = scheduler_.after(kFlushLimit, [this] {
    call_.reset();
    do drop_batch("the daemon ends");
    while (take_batch());
    check_flushed();
  });
  send();
  check_flushed();
}

void SpanExporter::check_flushed() {
  if (!flushed_ || call_ || !batch_.empty()) return;
  tell_drops();
  flush_timer_.reset();
  call_timer_.reset();
  std::exchange(flushed_, nullptr)();
}

}  // namespace clasp::daemon
