// The listening sockets of all workers and what they do: opened at the start, changed at a reload
// without touching those that stay. The main thread's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "daemon/http_server.h"

namespace clasp::daemon {

// Reads and checks the files of all HTTPS listeners, as a start would. `forgive_permission`: files
// that this user may not read are only warned of.
Result<void> check_listeners(const config::Settings& settings, bool forgive_permission,
                             std::vector<std::string>& warnings);

// Nobody but this machine (or one file's users) can reach it.
bool is_loopback(const config::Listener& listener);

class ListenerSet {
 public:
  explicit ListenerSet(unsigned workers) : workers_(workers) {}

  // What a configuration asks for, with everything opened and read that can fail.
  struct Prepared;
  // Each worker has its own listening socket per address, so that the kernel spreads connections
  // evenly. A Unix socket exists once and is shared.
  Result<Prepared> prepare(const config::Settings& settings) const;
  // From now on that is what is open; what each worker has to be told.
  std::vector<std::vector<OpenListener>> commit(Prepared prepared);

  const std::vector<std::string>& warnings() const { return warnings_; }
  std::vector<std::string> date_warnings() const;
  std::vector<std::string> names() const;
  std::string render() const;  // "127.0.0.1:8080, unix:/run/clasp.sock"
  // Those that were not there before the last commit(), and that others than this machine reach.
  std::vector<config::Listener> newly_exposed() const;

 private:
  struct One {
    std::uint64_t id = 0;
    EntrancePtr entrance;
    std::vector<UniqueFd> fds;  // one per worker; none when it stays open
  };
  Result<void> open(One& one) const;

  unsigned workers_;
  std::uint64_t last_id_ = 0;
  std::vector<One> open_;
  std::vector<std::string> warnings_;  // of the last commit()
  std::vector<config::Listener> newly_exposed_;
};

struct ListenerSet::Prepared {
  std::vector<One> all;
  std::uint64_t last_id = 0;
  std::vector<std::string> warnings;
};

}  // namespace clasp::daemon
