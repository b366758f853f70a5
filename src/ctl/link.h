// claspctl's connection to the daemon: one HTTP request over its Unix socket, through libcurl.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "ctl/ctl.h"

namespace clasp::ctl {

// Asks the daemon at this socket. `seconds`: until the whole answer is there.
Result<Told, LinkError> ask_daemon(const std::string& socket, const std::string& method,
                                   const std::string& target, long seconds);

// The same for somebody who has other things to do meanwhile.
class Asking {
 public:
  Asking(const std::string& socket, const std::string& method, const std::string& target,
         long seconds);
  ~Asking();
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;

  // Waits until the answer is there, one of these descriptors can be read, or so long. True: it is.
  bool wait(std::initializer_list<int> others, int milliseconds);
  // Once wait() said so.
  Result<Told, LinkError> take();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Asks for an answer in lines, and gives each away as it comes, until either side ends it or
// `on_line` says no. `seconds`: until the answer begins. Of an error the body is in what it
// returns.
Result<Told, LinkError> follow_daemon(const std::string& socket, const std::string& method,
                                      const std::string& target, long seconds,
                                      std::function<bool(std::string_view)> on_line);

}  // namespace clasp::ctl
