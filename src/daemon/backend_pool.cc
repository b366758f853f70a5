// The pool's lists and their sweep. See the header.
#include "daemon/backend_pool.h"

#include <algorithm>

namespace clasp::daemon {
namespace {
constexpr Duration kSweepEvery{2'000};
}  // namespace

class BackendPool::Idle final : public TransportOwner {
 public:
  Idle(BackendPool& pool, List& list, std::unique_ptr<Transport> t, TimePoint end)
      : transport(std::move(t)), expires(end), pool_(pool), list_(list) {
    transport->set_owner(*this);
    transport->want_write(false);
    transport->want_read(true);
  }

  void on_transport_readable() override { pool_.on_event(*this); }
  void on_transport_writable() override {}
  List& list() const { return list_; }

  std::unique_ptr<Transport> transport;
  TimePoint expires;

 private:
  BackendPool& pool_;
  List& list_;  // nodes of an unordered_map do not move
};

BackendPool::BackendPool(Scheduler& scheduler, Limits limits)
    : scheduler_(scheduler), limits_(limits) {}

BackendPool::~BackendPool() {
  clear();
}

std::unique_ptr<Transport> BackendPool::take(const std::string& origin, TransportOwner& owner) {
  const auto it = origins_.find(origin);
  if (it == origins_.end()) return nullptr;
  List& list = it->second;
  std::unique_ptr<Transport> found;
  while (!list.empty() && !found) {
    Idle& idle = *list.front();
    // Its end may have arrived in this very turn, or a parting 408 that would pass for an answer.
    if (idle.expires > scheduler_.now() && idle.transport->is_quiet())
      found = std::move(idle.transport);
    forget(list, list.begin());
  }
  if (list.empty()) origins_.erase(it);
  if (found) found->set_owner(owner);
  return found;
}

void BackendPool::put(const std::string& origin, std::unique_ptr<Transport> transport,
                      Duration peer_limit) {
  const Duration time = std::min(limits_.idle_time, peer_limit);
  if (limits_.idle_per_origin == 0 || time <= Duration::zero()) {
    transport->say_goodbye();
    return;
  }
  List& list = origins_[origin];
  list.push_front(
      std::make_unique<Idle>(*this, list, std::move(transport), scheduler_.now() + time));
  ++size_;
  if (list.size() > limits_.idle_per_origin) forget(list, std::prev(list.end()));
  arm_sweep();
}

void BackendPool::clear() {
  for (auto& [origin, list] : origins_)
    while (!list.empty()) forget(list, list.begin());
  origins_.clear();
  sweep_timer_.reset();
}

// Anything that is not a session ticket ends it: the peer's goodbye or bytes nobody asked for.
void BackendPool::on_event(Idle& idle) {
  if (idle.transport->is_quiet()) return;
  List& list = idle.list();
  const auto it =
      std::find_if(list.begin(), list.end(), [&](const auto& item) { return item.get() == &idle; });
  if (it != list.end()) forget(list, it);
}

void BackendPool::forget(List& list, List::iterator it) {
  if ((*it)->transport) (*it)->transport->say_goodbye();
  list.erase(it);
  --size_;
}

void BackendPool::arm_sweep() {
  if (!sweep_timer_ && size_ != 0)
    sweep_timer_ = scheduler_.after(kSweepEvery, [this] { sweep(); });
}

void BackendPool::sweep() {
  const TimePoint now = scheduler_.now();
  for (auto it = origins_.begin(); it != origins_.end();) {
    List& list = it->second;
    for (auto item = list.begin(); item != list.end();) {
      const auto current = item++;
      if ((*current)->expires <= now) forget(list, current);
    }
    it = list.empty() ? origins_.erase(it) : std::next(it);
  }
  sweep_timer_.reset();
  arm_sweep();
}

}  // namespace clasp::daemon
