// The desk (core/policy/desk.h) as an exchange sees it: where it asks for a backend, says how that
// went, and waits. One port per loop; the desk behind it may be shared by several.
#pragma once

#include <span>

#include "core/policy/desk.h"

namespace clasp::exchange {

// Hears what became of a ticket, from the loop and never from inside a call of the port. Once.
class TicketListener {
 public:
  virtual ~TicketListener() = default;
  // `permit` counts when event.end is granted; its index is that of TicketSpec::backends.
  virtual void on_ticket(const policy::TicketEvent& event, const policy::Permit& permit) = 0;
};

class DeskPort {
 public:
  virtual ~DeskPort() = default;
  // As Desk::try_acquire().
  virtual Result<policy::Permit, policy::Refusal> try_acquire(
      std::span<const policy::BackendId> candidates, bool repeat) = 0;
  virtual void on_content(policy::PermitId permit) = 0;
  virtual void report(policy::PermitId permit, const policy::Outcome& outcome) = 0;
  // `others` were not tried yet: situation.another is filled in by whether one of them has room.
  virtual policy::Decision decide(policy::PermitId permit, const policy::Outcome& outcome,
                                  policy::Situation situation,
                                  std::span<const policy::BackendId> others) = 0;
  virtual void release(policy::PermitId permit) = 0;
  // `listener` must live until it was told, or until leave(). The owner of `spec` is filled in.
  virtual Result<policy::TicketId, policy::Refusal> enqueue(policy::TicketSpec spec,
                                                            TicketListener& listener) = 0;
  // Also gives back what the ticket was granted. Nothing is heard of it afterwards.
  virtual void leave(policy::TicketId ticket) = 0;
};

// A permit that is given back when it is let go.
class HeldPermit {
 public:
  HeldPermit() = default;
  HeldPermit(DeskPort& desk, const policy::Permit& permit) : desk_(&desk), permit_(permit) {}
  HeldPermit(HeldPermit&& other) noexcept
      : desk_(std::exchange(other.desk_, nullptr)), permit_(other.permit_) {}
  HeldPermit& operator=(HeldPermit&& other) noexcept {
    if (this == &other) return *this;
    reset();
    desk_ = std::exchange(other.desk_, nullptr);
    permit_ = other.permit_;
    return *this;
  }
  ~HeldPermit() { reset(); }
  explicit operator bool() const { return desk_ != nullptr; }
  policy::PermitId id() const { return permit_.id; }
  std::size_t key() const { return permit_.key; }
  void reset() {
    if (DeskPort* desk = std::exchange(desk_, nullptr)) desk->release(permit_.id);
  }

 private:
  DeskPort* desk_ = nullptr;
  policy::Permit permit_;
};

}  // namespace clasp::exchange
