// The answer's side of one request (exchange::ClientStream) over an engine connection: which
// framing, when to say "close", what HEAD leaves out. It never flushes by itself: whatever is
// written in one turn of the loop goes out with one call.
#pragma once

#include <cstddef>
#include <string_view>
#include <utility>

#include "core/exchange/ports.h"
#include "daemon/http_engine.h"

namespace clasp::daemon {

// What an answer asks of the connection it goes out on.
class AnswerOwner {
 public:
  virtual ~AnswerOwner() = default;
  // Whether the connection could carry another request after this answer.
  virtual bool may_keep_alive() const = 0;
  virtual std::string_view date() = 0;
  // Something was written, ended or aborted: flush soon, but not inside this call.
  virtual void on_answer_touched() = 0;
};

class HttpClientStream final : public exchange::ClientStream {
 public:
  struct Request {
    int minor_version = 1;
    bool head_only = false;
    wire::Headers more = {};  // on top of the answer's own
  };
  // Both must outlive this, or detach() must come first. The engine's request must be open.
  HttpClientStream(EngineConnection& link, AnswerOwner& owner, Request request)
      : link_(&link), owner_(owner), request_(std::move(request)) {}

  void answer(int status, const wire::Headers& headers, std::string_view body) override;
  void begin(int status, const wire::Headers& headers) override;
  void write(std::string_view bytes) override;
  void end() override;
  void abort() override;
  std::size_t pending() const override;

  enum class State { waiting, streaming, finished, aborted, detached };
  State state() const { return state_; }
  bool over() const { return state_ != State::waiting && state_ != State::streaming; }
  // After finished: whether the connection may carry another request.
  bool keeps_alive() const { return keep_alive_; }
  // The connection is gone; every later call does nothing.
  void detach();

 private:
  AnswerHead make_head(int status, const wire::Headers& headers, bool framed);

  EngineConnection* link_;
  AnswerOwner& owner_;
  Request request_;
  State state_ = State::waiting;
  bool keep_alive_ = false;
};

}  // namespace clasp::daemon
