// A whole Message as a stream again: the events that would have made it. For messages that
// MessageCollector has put together, kept somewhere and answered once more.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/wire/anthropic_events.h"

namespace clasp::wire {

class MessageReplay {
 public:
  // `message` must outlive this. `id` stands in place of its own. `started`: message_start is out
  // already.
  MessageReplay(std::string_view message, std::string id, bool started);

  // Emits what comes next, about `most` bytes of it; long texts come in several deltas. False when
  // that was the end.
  bool next(EventSink& sink, std::size_t most);

 private:
  void read(std::string_view message);
  void start(EventSink& sink);
  void open_block(EventSink& sink);
  void close_block(EventSink& sink);
  std::string_view take_piece();
  void end(EventSink& sink);

  // Members of the message, as they stood.
  std::string_view model_, stop_reason_, stop_sequence_, stop_details_, usage_, edits_;
  std::string id_;
  bool started_;
  std::vector<std::string_view> blocks_;
  int block_ = 0;
  enum class Kind { none, text, thinking, tool } open_ = Kind::none;
  std::string_view rest_;  // of the open block's text or input
};

}  // namespace clasp::wire
