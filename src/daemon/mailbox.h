// Work handed to a loop by another thread: a locked list and an eventfd that wakes the loop.
#pragma once

#include <event2/event.h>

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "base/fd.h"
#include "base/result.h"

namespace clasp::daemon {

class Mailbox {
 public:
  // Must be made and destroyed by the loop's thread, or while the loop does not run.
  static Result<std::unique_ptr<Mailbox>> make(event_base* base);
  ~Mailbox();
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // From any thread. Runs on the loop's thread; dropped when the mailbox is destroyed first.
  void send(std::function<void()> work);

 private:
  explicit Mailbox(UniqueFd fd) : fd_(std::move(fd)) {}
  static void on_ready_thunk(evutil_socket_t, short, void* self) noexcept;
  void run_all();

  UniqueFd fd_;
  event* event_ = nullptr;
  std::mutex mutex_;
  std::vector<std::function<void()>> waiting_;  // guarded by mutex_
};

}  // namespace clasp::daemon
