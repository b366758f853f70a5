// See control_log.h. What is turned here goes through the access log as a reload's settings do, and
// the next reload puts it back.
#include "daemon/control_log.h"

namespace clasp::daemon {

namespace {

LogDial configured(const ControlDesk& desk) {
  const config::Settings& settings = *desk.deeds.catalog()->settings;
  return {settings.log_level, settings.debug_requests, settings.debug_responses};
}

void set_dial(json_t* out, const LogDial& dial) {
  set(out, "level", render_log_level(dial.level));
  set(out, "debug_requests", json_boolean(dial.requests));
  set(out, "debug_responses", json_boolean(dial.responses));
}

}  // namespace

bool is_log_dial_turned(const ControlDesk& desk) {
  return !(desk.log.dial() == configured(desk));
}

void set_log_dial(ControlDesk& desk, json_t* out) {
  const LogDial now = desk.log.dial(), given = configured(desk);
  set(out, "log_level", render_log_level(now.level));
  set(out, "log_requests", json_boolean(now.requests));
  set(out, "log_responses", json_boolean(now.responses));
  if (now == given) return;
  json_t* before = json_object();
  set_dial(before, given);
  set(out, "log_configured", before);
}

void show_log_level(ControlDesk& desk, ControlCall& call) {
  const LogDial now = desk.log.dial(), given = configured(desk);
  const JsonPtr root(json_object());
  set_dial(root.get(), now);
  json_t* before = json_object();
  set_dial(before, given);
  set(root.get(), "configured", before);
  set(root.get(), "changed", json_boolean(!(now == given)));
  call.reply->send(200, root);
}

// Bodies are conversations: only who says so gets them, and a level does not.
void set_level(ControlDesk& desk, ControlCall& call) {
  const std::string bodies = control::query_value(call.query, "bodies");
  if (!bodies.empty() && bodies != "0" && bodies != "1")
    return call.reply->refuse(400, "bad_argument", "bodies must be 0 or 1");
  for (const LogLevel level : {LogLevel::debug, LogLevel::info, LogLevel::warn, LogLevel::error}) {
    if (render_log_level(level) != call.arguments.front()) continue;
    LogDial dial = configured(desk);
    dial.level = level;
    if (!bodies.empty()) dial.requests = dial.responses = bodies == "1";
    desk.log.turn(dial);
    return show_log_level(desk, call);
  }
  call.reply->refuse(400, "bad_argument", "the level must be debug, info, warn or error");
}

}  // namespace clasp::daemon
