// The secondary store of reasoning state: what a backend must get back with its calls, for clients
// that drop the thinking blocks in which it travels (translation spec §2.5.8, §5.4.10). Least
// recently used state goes first. States itself knows no threads: the daemon's StatePort shares it
// between workers.
#pragma once

#include <chrono>
#include <cstddef>
#include <list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/scheduler.h"
#include "core/translate/reply.h"
#include "core/translate/target.h"
#include "core/wire/headers.h"

namespace clasp::exchange {

// Calls that are remembered at most, whatever their size.
inline constexpr std::size_t kMostCalls = 100'000;
// No id of ours is longer; what a client invents need not be looked up.
inline constexpr std::size_t kLongestToolId = 64;

struct StateLimits {
  std::size_t bytes = 0;  // 0: nothing is remembered
  Duration life{0};       // since the last use; 0: nothing is remembered
  bool enabled() const { return bytes > 0 && life.count() > 0; }
};

// Tells clients apart by the key that they sent, which itself is not kept. One value for all that
// sent none.
std::string tenant_of(const wire::Headers& headers);
// The same for a client that is known by name, whichever of its keys it sent.
std::string tenant_of_client(std::string_view name);

class StatePort {
 public:
  virtual ~StatePort() = default;
  virtual bool enabled() const = 0;
  // nullptr when nothing is known, or too long unused.
  virtual translate::KeptStatePtr find(std::string_view tenant, std::string_view tool_id,
                                       TimePoint now) = 0;
  virtual void keep(std::string_view tenant, const translate::Reply::CallStates& states,
                    TimePoint now) = 0;
};

class States final : public StatePort {
 public:
  explicit States(StateLimits limits) : limits_(limits) {}
  bool enabled() const override { return limits_.enabled(); }
  translate::KeptStatePtr find(std::string_view tenant, std::string_view tool_id,
                               TimePoint now) override;
  void keep(std::string_view tenant, const translate::Reply::CallStates& states,
            TimePoint now) override;
  bool empty() const { return entries_.empty(); }
  std::size_t bytes() const { return bytes_; }

 private:
  // One reply: its calls share the state.
  struct Entry {
    std::vector<std::string> keys;
    translate::KeptStatePtr state;
    std::size_t bytes = 0;
    TimePoint used;
  };
  using Entries = std::list<Entry>;

  void drop_oldest();
  void drop_expired(TimePoint now);

  const StateLimits limits_;
  Entries entries_;  // the last one used stands first, so they are sorted by age too
  std::unordered_map<std::string, Entries::iterator> by_key_;
  std::size_t bytes_ = 0;
};

// What one client may see of it.
class TenantStates final : public translate::ReplaySource {
 public:
  TenantStates(StatePort& states, std::string_view tenant, TimePoint now)
      : states_(states), tenant_(tenant), now_(now) {}
  translate::KeptStatePtr find(std::string_view tool_use_id) const override {
    return states_.find(tenant_, tool_use_id, now_);
  }

 private:
  StatePort& states_;
  const std::string tenant_;
  const TimePoint now_;
};

}  // namespace clasp::exchange
