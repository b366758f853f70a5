// The answer to one request of the control API: sent at once, later, or as lines while something
// happens. Handlers hold it; whether the asker is still there is its business, not theirs.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/exchange/ports.h"
#include "daemon/json_tree.h"

namespace clasp::daemon {

class ControlReply {
 public:
  explicit ControlReply(exchange::ClientStream& stream) : stream_(&stream) {}

  // A whole answer. Once, unless lines were begun.
  void send(int status, const JsonPtr& body);
  void send_text(int status, std::string_view type, std::string_view body);
  // {"error":{"code":…,"message":…}}: the code is for programs and does not change.
  void refuse(int status, std::string_view code, std::string_view message);

  // An answer in lines of JSON: its head, and one line.
  void begin_lines();
  void line(std::string_view json);
  void end();
  // The asker takes nothing: lines may be left out.
  bool congested() const;

  bool over() const { return over_; }
  // Nobody listens any more; everything else does nothing from now on.
  void detach() { stream_ = nullptr; }
  bool gone() const { return stream_ == nullptr; }

 private:
  exchange::ClientStream* stream_;
  bool over_ = false;
  bool in_lines_ = false;
};

using ControlReplyPtr = std::shared_ptr<ControlReply>;

}  // namespace clasp::daemon
