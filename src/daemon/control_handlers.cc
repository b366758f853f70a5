// Which function serves which command, and those that are about the daemon as a whole. Those about
// backends and the queue are in control_desk.cc.
#include "daemon/control_handlers.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "daemon/control_clients.h"
#include "daemon/control_config.h"
#include "daemon/control_desk.h"
#include "daemon/control_live.h"
#include "daemon/control_log.h"
#include "daemon/control_metrics.h"
#include "daemon/control_test.h"
#include "daemon/control_top.h"
#include "daemon/control_upgrade.h"
#include "daemon/health_answers.h"

namespace clasp::daemon {

namespace {

using Handler = void (*)(ControlDesk&, ControlCall&);

json_t* cache_object(const policy::CacheStats& stats) {
  json_t* out = json_object();
  set(out, "enabled", json_boolean(stats.enabled));
  set_count(out, "entries", stats.entries);
  set_count(out, "max_entries", stats.max_entries);
  set_count(out, "bytes", stats.bytes);
  set_count(out, "max_bytes", stats.max_bytes);
  set_count(out, "hits", stats.hits);
  set_count(out, "misses", stats.misses);
  set_count(out, "coalesced", stats.coalesced);
  set_count(out, "stored", stats.stored);
  set_count(out, "evictions", stats.evictions);
  set_count(out, "expirations", stats.expirations);
  set_count(out, "flushed", stats.flushed);
  set_count(out, "waiting", stats.waiting);
  return out;
}

// ---- the daemon as a whole ----------------------------------------------------------------------

void show_status(ControlDesk& desk, ControlCall& call) {
  const TimePoint now = desk.scheduler.now();
  const exchange::CatalogPtr catalog = desk.deeds.catalog();
  const policy::DeskStatus books = desk.desk.snapshot(now);
  const auto up = std::chrono::duration_cast<std::chrono::seconds>(now - desk.started).count();
  const JsonPtr root(json_object());
  json_t* out = root.get();
  set(out, "state", text_value(health_word(books, desk.deeds.draining())));
  set(out, "version", text_value(desk.version));
  set_count(out, "pid", static_cast<std::uint64_t>(getpid()));
  set_count(out, "uptime_seconds", static_cast<std::uint64_t>(std::max<std::int64_t>(0, up)));
  set(out, "config_file", text_value(catalog->settings->config_file));
  set(out, "listeners", text_array(desk.deeds.listening()));
  set_count(out, "workers", desk.deeds.workers());
  set_log_dial(desk, out);
  struct stat socket {};
  if (!desk.socket.empty() && stat(desk.socket.c_str(), &socket) == 0) {
    char mode[8];
    std::snprintf(mode, sizeof mode, "%04o", static_cast<unsigned>(socket.st_mode & 07777));
    set(out, "control_socket", desk.socket);
    set(out, "control_mode", mode);
  }
  set_count(out, "resident_bytes", resident_bytes());
  json_t* backends = json_array();
  for (const auto& [backend, status] : backend_pairs(*catalog, books))
    json_array_append_new(
        backends, make_backend_object(*backend, *status, catalog->settings->breaker.enabled, now));
  set(out, "backends", backends);
  if (books.queue.enabled) set(out, "queue", make_full_queue_object(books.queue));
  set(out, "cache", cache_object(desk.cache.stats()));
  json_error_t problem{};
  const std::string sums = desk.metrics.render_json(now);
  if (json_t* metrics = json_loadb(sums.data(), sums.size(), 0, &problem))
    set(out, "metrics", metrics);
  call.reply->send(200, root);
}

void show_commands(ControlDesk&, ControlCall& call) {
  const JsonPtr root(json_object());
  json_t* list = json_array();
  for (const control::Command& command : control::commands()) {
    if (command.is_local()) continue;
    json_t* one = json_object();
    set(one, "name", text_value(command.words));
    if (!command.arguments.empty()) set(one, "arguments", text_value(command.arguments));
    set(one, "method", text_value(command.method));
    set(one, "path", text_value(command.path));
    set(one, "privilege", text_value(control::privilege_name(command.privilege)));
    set(one, "effect", text_value(control::effect_name(command.effect)));
    if (command.streams) set(one, "streams", json_true());
    set(one, "help", text_value(command.help));
    json_array_append_new(list, one);
  }
  set(root.get(), "commands", list);
  call.reply->send(200, root);
}

// ---- the cache ------------------------------------------------------------------------------

void show_cache(ControlDesk& desk, ControlCall& call) {
  call.reply->send(200, JsonPtr(cache_object(desk.cache.stats())));
}

void flush_cache(ControlDesk& desk, ControlCall& call) {
  const std::string pattern = control::query_value(call.query, "pattern");
  // A query that was meant to choose must not end in everything being forgotten.
  if (pattern.empty() && !call.query.empty())
    return call.reply->refuse(400, "bad_argument",
                              "pattern must be there, not empty and percent-encoded");
  const std::size_t count = desk.cache.flush(pattern);
  const JsonPtr root(json_object());
  set_count(root.get(), "flushed", count);
  call.reply->send(200, root);
}

struct Row {
  std::string_view words;
  Handler handler;
};

constexpr Row kHandlers[] = {
    {"status", show_status},
    {"top", show_top},
    {"commands", show_commands},
    {"reload", reload_config},
    {"config show", show_config},
    {"config check", check_config},
    {"config diff", diff_config},
    {"drain", drain},
    {"upgrade", upgrade_daemon},
    {"undrain", undrain},
    {"metrics", show_metrics},
    {"log-level", show_log_level},
    {"log-level set", set_level},
    {"cache", show_cache},
    {"cache flush", flush_cache},
    {"backends", list_backends},
    {"backends show", show_backend},
    {"backends enable", enable_backend},
    {"backends disable", disable_backend},
    {"backends drain", drain_backend},
    {"tail", tail},
    {"limits", list_limits},
    {"keys", list_keys},
    {"costs", show_costs},
    {"test", test_backends},
    {"exchanges", list_exchanges},
    {"exchanges show", show_exchange},
    {"exchanges cancel", cancel_exchange},
    {"breakers", list_breakers},
    {"breakers trip", trip_breaker},
    {"breakers reset", reset_breaker},
    {"queue", list_queue},
    {"queue show", show_ticket},
    {"queue cancel", cancel_ticket},
    {"queue flush", flush_queue},
    {"queue pause", pause_queue},
    {"queue resume", resume_queue},
};

Handler find_handler(const control::Command& command) {
  for (const Row& row : kHandlers)
    if (row.words == command.words) return row.handler;
  return nullptr;
}

}  // namespace

bool is_served(const control::Command& command) {
  return find_handler(command) != nullptr;
}

void carry_out(ControlDesk& desk, ControlCall& call) {
  if (const Handler handler = find_handler(call.command)) return handler(desk, call);
  call.reply->refuse(501, "not_there", "this version cannot do that");
}

}  // namespace clasp::daemon
