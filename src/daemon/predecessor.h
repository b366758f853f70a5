// The process that this one replaces, seen from here. See successor.h for what the two say to each
// other.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/result.h"
#include "daemon/scheduler.h"

namespace clasp::daemon {

class Predecessor {
 public:
  // Null: there is none. The variable is gone afterwards.
  static std::unique_ptr<Predecessor> find();

  // Says that everything is prepared, and waits until what only one process can have is free.
  Result<void> wait_for_go();
  // Says that clients are served. `on_yours` is called when this process is the service, also when
  // the other one died meanwhile; `on_spent` for each message of that kind from then on.
  void tell_ready(event_base* base, std::function<void()> on_yours,
                  std::function<void(std::string_view)> on_spent);
  // The standard error that the other one had.
  void take_standard_error();

 private:
  Predecessor(UniqueFd socket, UniqueFd errors)
      : socket_(std::move(socket)), errors_(std::move(errors)) {}
  static void on_message_thunk(evutil_socket_t, short, void* self) noexcept;
  void on_message();
  void say(std::string_view word);

  UniqueFd socket_, errors_;
  EventPtr event_;
  std::function<void()> on_yours_;
  std::function<void(std::string_view)> on_spent_;
  std::vector<std::string> spent_early_;  // what came before tell_ready()
};

}  // namespace clasp::daemon
