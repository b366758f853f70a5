// See watchdog.h.
#include "daemon/watchdog.h"

#include <utility>

#include "base/log.h"

namespace clasp::daemon {

Watchdog::Watchdog(Scheduler& scheduler, Mailbox& mailbox, std::size_t workers, Send send)
    : scheduler_(scheduler), mailbox_(mailbox), send_(std::move(send)), answered_(workers, true) {}

void Watchdog::start(Duration interval, std::function<void()> feed) {
  interval_ = interval;
  feed_ = std::move(feed);
  if (missing_ == 0) ask();
  timer_ = scheduler_.after(interval_, [this] { on_time(); });
}

void Watchdog::when_all_turn(std::function<void()> then) {
  then_ = std::move(then);
  ask();
}

void Watchdog::stop() {
  timer_.reset();
  feed_ = nullptr;
  then_ = nullptr;
}

void Watchdog::ask() {
  ++round_;
  late_ = false;
  missing_ = answered_.size();
  answered_.assign(answered_.size(), false);
  for (std::size_t i = 0; i < answered_.size(); ++i)
    send_(i, [this, i, round = round_] { mailbox_.send([this, i, round] { on_word(round, i); }); });
}

void Watchdog::on_word(std::uint64_t round, std::size_t index) {
  if (round != round_ || answered_[index]) return;
  answered_[index] = true;
  if (late_) log_warn("worker " + std::to_string(index + 1) + " answers again");
  if (--missing_ > 0) return;
  if (then_) std::exchange(then_, nullptr)();
  // Who was late is forgiven at once: every moment counts now.
  if (late_ && feed_) on_time();
}

void Watchdog::on_time() {
  timer_ = scheduler_.after(interval_, [this] { on_time(); });
  if (missing_ > 0) return tell_silent();
  if (feed_) feed_();
  ask();
}

void Watchdog::tell_silent() {
  if (std::exchange(late_, true)) return;
  for (std::size_t i = 0; i < answered_.size(); ++i)
    if (!answered_[i])
      log_error("worker " + std::to_string(i + 1) +
                " is stuck: its loop has not turned for half of the watchdog's time");
}

}  // namespace clasp::daemon
