// One run of a program that reads its whole input and writes its result: no shell, an empty
// environment, tight limits. It tells of output and end on the loop; it knows no deadlines.
#pragma once

#include <event2/event.h>
#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "daemon/scheduler.h"

namespace clasp::daemon {

// A Landlock ruleset under which only these files and folders can be read, and nothing written:
// what is made of hostile input must not reach keys. No descriptor where the kernel has no such
// thing.
UniqueFd make_reading_ruleset(const std::vector<std::string>& paths);

struct ChildCommand {
  std::string program;                 // absolute path
  std::vector<std::string> arguments;  // without the program's name
  std::uint64_t cpu_seconds = 10;
  std::uint64_t memory_bytes = 512u << 20;  // of address space
  int ruleset = -1;                         // Landlock's, not owned
};

struct ChildEnd {
  bool known = false;  // false: somebody else collected the status
  int exit_code = -1;  // -1: ended by a signal
};

class ChildProcess {
 public:
  class Owner {
   public:
    virtual ~Owner() = default;
    virtual void on_child_output(std::string_view bytes) = 0;
    // Ended and collected, after its last output. The child may be destroyed inside.
    virtual void on_child_end(const ChildEnd& end) = 0;
  };

  // Starts the program with `input` as its standard input.
  static Result<std::unique_ptr<ChildProcess>> start(event_base* base, const ChildCommand& command,
                                                     std::string_view input, Owner& owner);
  // Kills what still runs, and waits for the moment until it is gone.
  ~ChildProcess();
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  // No output is told any more; the end is.
  void kill();

 private:
  ChildProcess(pid_t pid, UniqueFd handle, UniqueFd output, Owner& owner);
  static void on_output_thunk(evutil_socket_t, short, void* self) noexcept;
  static void on_end_thunk(evutil_socket_t, short, void* self) noexcept;
  void read_output();
  void on_end();
  ChildEnd collect(bool wait);

  pid_t pid_;
  UniqueFd handle_;  // pidfd: readable when the process has ended; immune to reuse of its number
  UniqueFd output_;
  Owner& owner_;
  EventPtr output_event_, end_event_;
  bool killed_ = false;
  bool collected_ = false;
};

}  // namespace clasp::daemon
