// See control_metrics.h.
#include "daemon/control_metrics.h"

namespace clasp::daemon {

void show_metrics(ControlDesk& desk, ControlCall& call) {
  const TimePoint now = desk.scheduler.now();
  const std::string format = control::query_value(call.query, "format");
  if (format.empty() || format == "json")
    return call.reply->send_text(200, "application/json", desk.metrics.render_json(now));
  if (format != "prometheus")
    return call.reply->refuse(400, "bad_argument", "format must be json or prometheus");
  // The text is made on a thread of its own; the reply is looked at on this one.
  const bool asked = desk.metrics_text.ask(
      now, [&mailbox = desk.mailbox, reply = call.reply](MetricsService::Text text) {
        mailbox.send([reply, text = std::move(text)] {
          reply->send_text(200, "text/plain; version=0.0.4; charset=utf-8", *text);
        });
      });
  if (!asked)
    call.reply->refuse(429, "too_many", "as many as may wait for the metrics are waiting");
}

}  // namespace clasp::daemon
