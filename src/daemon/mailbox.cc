// See mailbox.h.
#include "daemon/mailbox.h"

#include <sys/eventfd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

namespace clasp::daemon {

Result<std::unique_ptr<Mailbox>> Mailbox::make(event_base* base) {
  UniqueFd fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) return fail(std::string("eventfd: ") + std::strerror(errno));
  std::unique_ptr<Mailbox> box(new Mailbox(std::move(fd)));
  box->event_ = event_new(base, box->fd_.get(), EV_READ | EV_PERSIST, on_ready_thunk, box.get());
  if (box->event_ == nullptr || event_add(box->event_, nullptr) != 0)
    return fail("the event loop took no mailbox");
  return box;
}

Mailbox::~Mailbox() {
  if (event_ != nullptr) event_free(event_);
}

void Mailbox::send(std::function<void()> work) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(work));
  }
  // A full counter means the loop is about to wake anyway.
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(fd_.get(), &one, sizeof one);
}

void Mailbox::on_ready_thunk(evutil_socket_t, short, void* self) noexcept {
  static_cast<Mailbox*>(self)->run_all();
}

void Mailbox::run_all() {
  std::uint64_t count = 0;
  [[maybe_unused]] const ssize_t got = ::read(fd_.get(), &count, sizeof count);
  std::vector<std::function<void()>> work;
  {
    const std::lock_guard lock(mutex_);
    work.swap(waiting_);
  }
  for (auto& item : work) item();
}

}  // namespace clasp::daemon
