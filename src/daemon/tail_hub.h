// Finished requests as lines for those who watch (the control API's tail). Workers render a line
// only while somebody watches, and hand it to the main thread; what is too much is left out and
// counted, so that traffic never waits for a reader.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/exchange/record.h"
#include "daemon/control_reply.h"
#include "daemon/mailbox.h"

namespace clasp::daemon {

// What a watcher wants to see. Names may have * and ?; empty: any.
struct TailFilter {
  std::string client, model, backend;
  bool errors = false;  // only what did not end well
};

class TailHub final : public exchange::RecordSink {
 public:
  static constexpr std::size_t kMostReaders = 32;

  // From here on the main thread's.
  // Before any worker runs. The mailbox must outlive the workers.
  void set_mailbox(Mailbox* mailbox) { mailbox_ = mailbox; }
  // False: there are too many.
  bool add(ControlReplyPtr reply, TailFilter filter);
  // Everybody gets their end, and before it this line, unless it is empty.
  void end(std::string_view last_line = {});

  // From any thread.
  void on_record(const exchange::Record& record) override;
  bool wants_bodies(bool) const override { return false; }
  void on_body(std::string_view, std::string_view, std::string_view) override {}

 private:
  struct Line {
    std::string client, client_name, model_asked, model_used, backend;
    bool error = false;
    std::string text;
  };
  struct Reader {
    ControlReplyPtr reply;
    TailFilter filter;
    std::uint64_t lost = 0;
  };
  static bool fits(const TailFilter& filter, const Line& line);
  void deliver(const Line& line);
  void forget_gone();

  Mailbox* mailbox_ = nullptr;
  std::atomic<std::size_t> watching_{0};
  std::atomic<std::size_t> waiting_{0};  // lines on their way to the main thread
  std::atomic<std::uint64_t> lost_{0};   // not sent on their way, not told yet
  std::vector<Reader> readers_;          // the main thread's
};

// {"id":…}: one finished request.
std::string render_tail_line(const exchange::Record& record);

}  // namespace clasp::daemon
