// Idle keep-alive connections of one worker, by origin. It watches them for the peer's end and
// for their age; it opens none and sends nothing but a goodbye.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "base/count.h"
#include "base/scheduler.h"
#include "daemon/transport.h"

namespace clasp::daemon {

class BackendPool {
 public:
  struct Limits {
    std::size_t idle_per_origin = 64;
    Duration idle_time{60'000};
  };

  BackendPool(Scheduler& scheduler, Limits limits);
  ~BackendPool();
  BackendPool(const BackendPool&) = delete;
  BackendPool& operator=(const BackendPool&) = delete;

  // The connection of that origin used last which is still open, nullptr when there is none.
  std::unique_ptr<Transport> take(const std::string& origin, TransportOwner& owner);
  // Keeps a connection on which nothing is under way, for `idle_time` or the peer's own limit if
  // that is shorter. The oldest one makes room.
  void put(const std::string& origin, std::unique_ptr<Transport> transport, Duration peer_limit);
  void clear();
  std::size_t size() const { return size_; }  // from any thread

 private:
  class Idle;
  using List = std::list<std::unique_ptr<Idle>>;  // the one used last is in front

  void on_event(Idle& idle);
  void forget(List& list, List::iterator it);
  void arm_sweep();
  void sweep();

  Scheduler& scheduler_;
  Limits limits_;
  std::unordered_map<std::string, List> origins_;
  Count size_;
  TimerHandle sweep_timer_;
};

}  // namespace clasp::daemon
