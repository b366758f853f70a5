// See shared_cache.h.
#include "daemon/shared_cache.h"

namespace clasp::daemon {

using policy::CachedAnswerPtr;
using policy::CacheDesk;
using policy::SeatNews;

// ---- the cache -------------------------------------------------------------------------------

void SharedCache::configure(const config::CacheSettings& settings, TimePoint now) {
  CacheDesk::Dropped dropped;  // outlives the lock, here and below
  const std::lock_guard lock(mutex_);
  desk_.configure(settings, now, dropped);
}

std::size_t SharedCache::flush(std::string_view pattern) {
  CacheDesk::Dropped dropped;
  const std::lock_guard lock(mutex_);
  return desk_.flush(pattern, dropped);
}

policy::CacheStats SharedCache::stats() {
  const std::lock_guard lock(mutex_);
  return desk_.stats();
}

std::uint64_t SharedCache::add(WorkerCache& worker) {
  const std::lock_guard lock(mutex_);
  workers_.emplace(++last_owner_, &worker);
  return last_owner_;
}

void SharedCache::remove(std::uint64_t owner) {
  const std::lock_guard lock(mutex_);
  workers_.erase(owner);
}

void SharedCache::deliver(const std::vector<SeatNews>& news, const CachedAnswerPtr& answer) {
  std::unordered_map<std::uint64_t, std::vector<SeatNews>> by_owner;
  for (const SeatNews& one : news) by_owner[one.owner].push_back(one);
  for (auto& [owner, list] : by_owner) {
    const auto found = workers_.find(owner);
    if (found == workers_.end()) continue;
    WorkerCache* worker = found->second;
    // The mailbox drops what comes after the worker's end.
    worker->mailbox_.send([worker, list = std::move(list), answer] {
      for (const SeatNews& one : list) worker->on_news(one, answer);
    });
  }
}

// ---- one worker's port -------------------------------------------------------------------------

WorkerCache::WorkerCache(SharedCache& shared, Mailbox& mailbox, Scheduler& scheduler)
    : shared_(shared), mailbox_(mailbox), scheduler_(scheduler) {
  owner_ = shared_.add(*this);
}

WorkerCache::~WorkerCache() {
  shared_.remove(owner_);
}

policy::CacheReply WorkerCache::ask(const policy::CacheKey& key, bool coalesce,
                                    exchange::SeatListener& listener) {
  CacheDesk::Dropped dropped;
  policy::CacheReply reply;
  {
    const std::lock_guard lock(shared_.mutex_);
    reply = shared_.desk_.ask(key, coalesce, owner_, scheduler_.now(), dropped);
  }
  // News comes through the mailbox of this loop: none can have been missed.
  if (reply.seat != 0 && !reply.leads) listeners_.emplace(reply.seat, &listener);
  return reply;
}

void WorkerCache::land(policy::SeatId seat, const policy::CacheKey& key, CachedAnswerPtr answer,
                       bool keep) {
  CacheDesk::Dropped dropped;
  const std::lock_guard lock(shared_.mutex_);
  shared_.deliver(shared_.desk_.land(seat, key, answer, keep, scheduler_.now(), dropped), answer);
}

void WorkerCache::leave(policy::SeatId seat, bool failed) {
  listeners_.erase(seat);
  const std::lock_guard lock(shared_.mutex_);
  shared_.deliver(shared_.desk_.leave(seat, failed), nullptr);
}

void WorkerCache::on_news(const SeatNews& news, const CachedAnswerPtr& answer) {
  const auto found = listeners_.find(news.seat);
  if (found == listeners_.end()) return;  // it left meanwhile, and passed on what it was given
  exchange::SeatListener* listener = found->second;
  listeners_.erase(found);
  listener->on_seat(news.what, news.what == SeatNews::What::answer ? answer : nullptr);
}

}  // namespace clasp::daemon
