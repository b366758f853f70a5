// The process that is to replace this one: the installed program, started with the same arguments
// and environment and with handles of all listening sockets. The two talk over a socket of their
// own, in short messages:
//   prepared VERSION   it has loaded its configuration and taken what it needs
//   go                 from here: it may take what only one process can have
//   ready              its workers turn, and clients are served
//   yours              from here: it is the service now
//   reload             from here: somebody wanted that meanwhile, and it may have read older files
//   spent …            from here: what a request cost that was still running (shared_costs.h)
// It ends, or the socket does, before "ready": it has failed. See predecessor.h for the other side.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "daemon/listener_set.h"
#include "daemon/scheduler.h"

namespace clasp::daemon {

// $CLASP_HANDOVER: the descriptors of the socket and of the standard error that will be its own.
inline constexpr char kHandoverVariable[] = "CLASP_HANDOVER";

struct SuccessorPlan {
  std::string program;             // absolute
  std::vector<std::string> words;  // its arguments, without the program
  std::vector<NamedSockets> sockets;
};

class Successor {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_successor_prepared() = 0;
    virtual void on_successor_ready() = 0;
    // It is gone. May destroy the successor; nothing else is called then.
    virtual void on_successor_failed(const std::string& reason) = 0;
  };
  static Result<std::unique_ptr<Successor>> start(event_base* base, Scheduler& scheduler,
                                                  const SuccessorPlan& plan, Owner& owner);
  // Unless it was let go, it is killed.
  ~Successor();
  Successor(const Successor&) = delete;
  Successor& operator=(const Successor&) = delete;

  pid_t pid() const { return pid_; }
  const std::string& version() const { return version_; }
  void go() { say("go"); }
  // The way to it, for messages beside those below. Lasts as long as it is held.
  const SharedFd& line() const { return socket_; }
  // It is the service now, and lives on without us.
  void let_go();
  void ask_reload() { say("reload"); }
  // What it wrote to standard error last, in lines.
  std::string last_words() const;

 private:
  Successor(Scheduler& scheduler, Owner& owner) : scheduler_(scheduler), owner_(owner) {}
  static void on_message_thunk(evutil_socket_t, short, void* self) noexcept;
  static void on_errors_thunk(evutil_socket_t, short, void* self) noexcept;
  void on_message();
  void read_errors();
  void fail_with(const std::string& reason);
  std::string collect(bool kill);
  std::string collect_sibling(bool kill);
  void say(std::string_view word);

  Scheduler& scheduler_;
  Owner& owner_;
  pid_t pid_ = -1;
  UniqueFd handle_;  // of a process that is no child of ours
  bool gone_ = false;
  SharedFd socket_;
  UniqueFd errors_;
  EventPtr message_event_, errors_event_;
  TimerHandle limit_;
  std::string version_, tail_;
};

}  // namespace clasp::daemon
