// See control_upgrade.h.
#include "daemon/control_upgrade.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "base/words.h"
#include "daemon/control_log.h"
#include "daemon/json_tree.h"
#include "daemon/service_manager.h"

namespace clasp::daemon {

namespace {

// Why this process cannot be replaced; empty: it can.
std::string why_not() {
  if (is_unmanaged_main_process())
    return "the service's type is not notify, so that its end would be the end of the new process "
           "too; use systemctl restart";
  if (getpid() == 1)
    return "the daemon is the first process of its container, which ends with it; replace the "
           "container";
  int signal_of_parent = 0;
  if (prctl(PR_GET_PDEATHSIG, &signal_of_parent) == 0 && signal_of_parent != 0)
    return "the daemon ends with the program that started it (-exit-with-parent), and a new "
           "process "
           "would have been started by this one";
  return "";
}

json_t* process_object(std::string_view version, pid_t pid) {
  json_t* out = json_object();
  set(out, "version", text_value(version));
  set_count(out, "pid", static_cast<std::uint64_t>(pid));
  return out;
}

// A shell waits for the old process.
constexpr std::string_view kInBackground =
    "the daemon was started in a terminal, which is free again once the old process\n"
    "has ended; the new one runs in the background, where Ctrl-C does not end it but\n"
    "kill does";

// What was turned by hand and begins anew: nobody should believe that it still holds.
std::vector<std::string> forgotten(ControlDesk& desk) {
  std::vector<std::string> out;
  const policy::DeskStatus books = desk.desk.snapshot(desk.scheduler.now());
  for (const policy::BackendStatus& one : books.backends)
    if (one.admin != policy::AdminState::enabled)
      out.push_back(
          "backend " + one.name + " was " + std::string(policy::admin_state_name(one.admin)) +
          " and is in use again; claspctl backends disable " + one.name + " changes that");
  if (books.queue.paused) out.emplace_back("the queue was paused, and goes on again");
  if (is_log_dial_turned(desk)) out.emplace_back("the log level is the configuration's again");
  return out;
}

void tell(const UpgradeReport& report, ControlReply& reply, const std::string& version,
          const std::vector<std::string>& notes) {
  const JsonPtr root(json_object());
  json_t* out = root.get();
  if (report.done) {
    set(out, "upgraded", json_true());
    set(out, "old", process_object(version, getpid()));
    set(out, "new", process_object(report.version, report.pid));
    if (!notes.empty()) set(out, "note", text_value(join(notes, "\n")));
    return reply.send(200, root);
  }
  std::string message = "no upgrade: " + report.reason + ". This process goes on.";
  if (!report.last_words.empty()) message += " The new one said last:\n" + report.last_words;
  json_t* error = json_object();
  set(error, "code", text_value("upgrade_failed"));
  set(error, "message", text_value(message));
  set(out, "error", error);
  json_t* lines = json_array();
  for (const std::string_view line : split(report.last_words, '\n'))
    if (!line.empty()) json_array_append_new(lines, text_value(line));
  set(out, "said", lines);
  reply.send(500, root);
}

}  // namespace

void upgrade_daemon(ControlDesk& desk, ControlCall& call) {
  const std::string program = control::query_value(call.query, "binary");
  if (!call.query.empty() && !program.starts_with('/'))
    return call.reply->refuse(400, "bad_argument", "binary must be an absolute path");
  if (desk.deeds.stopping())
    return call.reply->refuse(409, "stopping", "the daemon is about to end");
  if (desk.deeds.draining())
    return call.reply->refuse(
        409, "drained",
        "the daemon is drained, which a new process would not be; undrain it first");
  if (desk.deeds.upgrading())
    return call.reply->refuse(409, "upgrade_running", "another upgrade is under way");
  if (const std::string why = why_not(); !why.empty())
    return call.reply->refuse(409, "cannot_upgrade", why);
  const bool on_terminal = isatty(STDERR_FILENO) == 1;
  desk.deeds.upgrade(program,
                     [&desk, reply = call.reply, on_terminal](const UpgradeReport& report) {
                       std::vector<std::string> notes = forgotten(desk);
                       if (on_terminal) notes.emplace_back(kInBackground);
                       tell(report, *reply, desk.version, notes);
                     });
}

}  // namespace clasp::daemon
