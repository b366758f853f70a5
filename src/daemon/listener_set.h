// The listening sockets of all workers and what they do: opened at the start, changed at a reload
// without touching those that stay. The main thread's.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "daemon/http_server.h"
#include "daemon/service_sockets.h"

namespace clasp::daemon {

// Reads and checks the files of all HTTPS listeners, as a start would. `forgive_permission`: files
// that this user may not read are only warned of.
Result<void> check_listeners(const config::Settings& settings, bool forgive_permission,
                             std::vector<std::string>& warnings);

// Nobody but this machine (or one file's users) can reach it.
bool is_loopback(const config::Listener& listener);

// A listening socket under the name that it has outside this process.
struct NamedSockets {
  std::string name;
  std::vector<SharedFd> fds;
};

class ListenerSet {
 public:
  // Of `passed`, those of socket units are used as long as this lives, and those of a daemon before
  // this one where the first configuration wants them.
  explicit ListenerSet(unsigned workers, PassedSockets passed = {})
      : workers_(workers), passed_(std::move(passed)) {}

  // What a configuration asks for, with everything opened and read that can fail.
  struct Prepared;
  // Each worker has its own listening socket per address, so that the kernel spreads connections
  // evenly. A Unix socket exists once and is shared, and so is what a socket unit passes: whichever
  // worker is awake first takes one connection, and lets others have the next.
  Result<Prepared> prepare(const config::Settings& settings) const;
  // From now on that is what is open; what each worker has to be told.
  std::vector<std::vector<OpenListener>> commit(Prepared prepared);

  // Nothing is accepted any more. Sockets that live on elsewhere stay open here, so that who waits
  // in their queues is served by the next process: those of socket units, and those that `kept`
  // says are kept. Their ids; all others are closed here, and the files of Unix sockets removed.
  std::vector<std::uint64_t> let_go(const std::function<bool(const std::string& name)>& kept);
  // They are another process's from now on.
  void give_away();

  // All, for the fd store and for a successor. Sockets of units have the names that those gave
  // them.
  std::vector<NamedSockets> own() const;
  std::vector<NamedSockets> all() const;

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
    bool of_unit = false;       // a socket unit's
    std::string name;           // outside this process; empty: it has none
    std::vector<SharedFd> fds;  // this process's own handles, from which workers get theirs
    std::vector<std::vector<UniqueFd>> shares;  // per worker; none when it stays open
  };
  struct Wanted {
    config::Listener listener;
    const PassedSocket* passed = nullptr;
  };
  std::vector<Wanted> wanted(const config::Settings& settings) const;
  Result<void> open(One& one, const PassedSocket* passed) const;
  Result<void> share(One& one) const;

  unsigned workers_;
  PassedSockets passed_;
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
