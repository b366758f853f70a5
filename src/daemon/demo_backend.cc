// Plays a demo reply with the timing of a fast model.
#include "daemon/demo_backend.h"

#include "daemon/demo_reply.h"

namespace clasp::daemon {

namespace {

constexpr Duration kFirstDelay{0};
constexpr Duration kWordDelay{15};

class DemoCall final : public exchange::BackendCall {
 public:
  DemoCall(Scheduler& scheduler, DemoReply reply, exchange::BackendEvents& events)
      : scheduler_(scheduler), events_(events), reply_(std::move(reply)) {
    arm(kFirstDelay);
  }
  void pause() override {
    paused_ = true;
    timer_.reset();
  }
  void resume() override {
    if (!paused_) return;
    paused_ = false;
    arm(kFirstDelay);
  }
  void let_finish() override {}

 private:
  void arm(Duration delay) {
    timer_ = scheduler_.after(delay, [this] { step(); });
  }

  // Each report may destroy this object, so a step reports once and is armed before it does.
  void step() {
    if (!head_sent_) {
      head_sent_ = true;
      if (reply_.stream && reply_.error.empty()) chunks_ = render_demo_chunks(reply_);
      arm(kFirstDelay);
      events_.on_backend_head(
          reply_.error.empty() ? 200 : 400,
          {{"content-type", chunks_.empty() ? "application/json" : "text/event-stream"}});
      return;
    }
    if (next_ < body_parts()) {
      const std::string part = body_part(next_++);
      arm(next_ < body_parts() ? kWordDelay : kFirstDelay);
      events_.on_backend_body(part);
      return;
    }
    timer_.reset();
    events_.on_backend_end();
  }

  std::size_t body_parts() const { return chunks_.empty() ? 1 : chunks_.size(); }
  std::string body_part(std::size_t i) const {
    if (!chunks_.empty()) return chunks_[i];
    if (reply_.error.empty()) return render_demo_document(reply_);
    return R"({"error":{"message":")" + reply_.error + R"(","type":"invalid_request_error"}})";
  }

  Scheduler& scheduler_;
  exchange::BackendEvents& events_;
  DemoReply reply_;
  std::vector<std::string> chunks_;
  std::size_t next_ = 0;
  bool head_sent_ = false;
  bool paused_ = false;
  TimerHandle timer_;
};

}  // namespace

std::unique_ptr<exchange::BackendCall> DemoBackend::start(exchange::BackendRequest request,
                                                          exchange::BackendEvents& events) {
  return std::make_unique<DemoCall>(scheduler_, make_demo_reply(request.body), events);
}

}  // namespace clasp::daemon
