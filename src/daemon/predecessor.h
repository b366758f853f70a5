// The process that this one replaces, seen from here. See successor.h for what the two say to each
// other.
#pragma once

#include <functional>
#include <memory>
#include <optional>
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
  // What it says once clients are served here.
  struct Ears {
    std::function<void()> on_yours;  // this process is the service, also when the other one died
    std::function<void(std::string_view)> on_spent;
    std::function<void()> on_reload;
  };
  void tell_ready(event_base* base, Ears ears);
  // It may still spend something, and tell it.
  bool runs() const { return event_ != nullptr; }
  // Called once when it is gone; only while it runs.
  void when_gone(std::function<void()> on_gone) { on_gone_ = std::move(on_gone); }
  // The standard error that the other one had.
  void take_standard_error();

 private:
  Predecessor(UniqueFd socket, UniqueFd errors)
      : socket_(std::move(socket)), errors_(std::move(errors)) {}
  static void on_message_thunk(evutil_socket_t, short, void* self) noexcept;
  void on_message();
  void say(std::string_view word);
  // Nothing: no message is there now; an empty one: none will come any more.
  std::optional<std::string> receive();

  UniqueFd socket_, errors_;
  EventPtr event_;
  Ears ears_;
  std::function<void()> on_gone_;
  std::vector<std::string> spent_early_;  // what came before tell_ready()
};

}  // namespace clasp::daemon
