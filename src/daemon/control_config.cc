// See control_config.h.
#include "daemon/control_config.h"

#include "base/words.h"

namespace clasp::daemon {

namespace {

void send_report(ControlCall& call, const ReloadReport& report, const char* word) {
  const JsonPtr root(json_object());
  json_t* out = root.get();
  set(out, word, json_boolean(report.good));
  set(out, "config_file", text_value(report.file));
  set(out, "warnings", text_array(report.warnings));
  set(out, "restart_needed", text_array(report.restart_needed));
  if (!report.good) {
    json_t* error = json_object();
    set(error, "code", text_value("configuration"));
    set(error, "message", text_value(join(report.errors, "\n")));
    set(out, "error", error);
  }
  call.reply->send(report.good ? 200 : 422, root);
}

json_t* given_object(const config::GivenValue& given) {
  json_t* out = json_object();
  set(out, "name", text_value(given.name));
  set(out, "value", text_value(given.value));
  set(out, "source", text_value(given.source));
  set(out, "place", text_value(given.place));
  return out;
}

}  // namespace

void reload_config(ControlDesk& desk, ControlCall& call) {
  if (desk.deeds.stopping())
    return call.reply->refuse(409, "draining", "the daemon is stopping and loads nothing any more");
  // No mistake of the configuration, and over in a moment.
  if (desk.deeds.upgrading())
    return call.reply->refuse(409, "upgrade_running",
                              "an upgrade is under way; reload when it is over");
  send_report(call, desk.deeds.reload(), "reloaded");
}

void show_config(ControlDesk& desk, ControlCall& call) {
  const JsonPtr root(json_object());
  set(root.get(), "config_file", text_value(desk.deeds.catalog()->settings->config_file));
  json_t* list = json_array();
  for (const config::GivenValue& given : desk.deeds.given())
    json_array_append_new(list, given_object(given));
  set(root.get(), "settings", list);
  call.reply->send(200, root);
}

void check_config(ControlDesk& desk, ControlCall& call) {
  std::vector<config::GivenValue> given;
  send_report(call, desk.deeds.check(given), "valid");
}

void diff_config(ControlDesk& desk, ControlCall& call) {
  std::vector<config::GivenValue> given;
  const ReloadReport report = desk.deeds.check(given);
  if (!report.good) return send_report(call, report, "valid");
  const JsonPtr root(json_object());
  json_t* list = json_array();
  for (const config::GivenChange& change : config::compare_given(desk.deeds.given(), given)) {
    json_t* one = json_object();
    set(one, "name", text_value(change.name));
    if (change.before != nullptr) set(one, "before", text_value(change.before->value));
    if (change.after != nullptr) {
      set(one, "after", text_value(change.after->value));
      set(one, "place", text_value(change.after->place));
    }
    json_array_append_new(list, one);
  }
  set(root.get(), "changes", list);
  set(root.get(), "restart_needed", text_array(report.restart_needed));
  call.reply->send(200, root);
}

}  // namespace clasp::daemon
