// See render.h.
#include "ctl/render.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "ctl/json.h"
#include "ctl/pieces.h"
#include "ctl/render_clients.h"
#include "ctl/render_config.h"
#include "ctl/render_metrics.h"
#include "ctl/render_test.h"
#include "ctl/render_upgrade.h"
#include "ctl/table.h"

namespace clasp::ctl {

namespace {

using Renderer = std::string (*)(const json_t*, const Look&);

// ---- pieces -------------------------------------------------------------------------------------

std::string backend_table(const json_t* list, const Look& look, std::string_view indent) {
  Table table({{"BACKEND", {.shrink = 10}},
               {"PROVIDER", {.drop = 6, .shrink = 8}},
               "STATE",
               {"BREAKER", {.drop = 4}},
               "IN FLIGHT",
               {"TRIES", {.drop = 5}},
               "FAILED",
               {"LATENCY", {.drop = 2}},
               {"FIRST", {.drop = 3}}});
  table.paint(2, state_painter(look));
  table.paint(3, state_painter(look));
  std::size_t i = 0;
  json_t* one = nullptr;
  json_array_foreach(list, i, one) {
    const std::string_view admin = text_of(one, "admin");
    const std::string_view breaker = text_of(json_object_get(one, "circuit_breaker"), "state");
    table.add({std::string(text_of(one, "name")), std::string(text_of(one, "provider")),
               std::string(admin == "enabled" ? text_of(one, "state") : admin),
               breaker.empty() ? "off" : std::string(breaker),
               of_most(number_of(one, "in_flight"), number_of(one, "max_concurrency")),
               std::to_string(number_of(one, "attempts")), std::to_string(failures_of(one)),
               milliseconds_text(number_of(one, "latency_ms")),
               milliseconds_text(number_of(one, "first_content_ms"))});
  }
  return table.render(look.width, indent);
}

// ---- commands -----------------------------------------------------------------------------------

// "debug with bodies (configured: info)"
std::string dial_words(std::string_view level, bool requests, bool responses) {
  std::string out(level);
  if (requests && responses) return out + " with bodies";
  if (requests || responses) out += requests ? " with requests" : " with answers";
  return out;
}

std::string configured_words(const json_t* given) {
  if (given == nullptr) return {};
  return " (configured: " +
         dial_words(text_of(given, "level"), flag_of(given, "debug_requests"),
                    flag_of(given, "debug_responses")) +
         ")";
}

std::string log_words(const json_t* status) {
  return dial_words(text_of(status, "log_level"), flag_of(status, "log_requests"),
                    flag_of(status, "log_responses")) +
         configured_words(json_object_get(status, "log_configured"));
}

std::string render_status(const json_t* root, const Look& look) {
  const std::string_view state = text_of(root, "state");
  std::string out = "clasp " + std::string(text_of(root, "version")) + ": " +
                    paint_state(state, look) + ", up " +
                    seconds_text(number_of(root, "uptime_seconds")) + "\n\n";
  const auto line = [&out, &look](std::string_view name, const std::string& value) {
    if (value.empty()) return;
    constexpr std::size_t kName = 11, kIndent = 2;
    const std::string text =
        "  " + std::string(name) + std::string(kName - name.size(), ' ') + value;
    out.append(wrap(text, look.width, kIndent + kName)).append("\n");
  };
  const std::string_view file = text_of(root, "config_file");
  line("listening", join(json_object_get(root, "listeners")));
  line("config", file.empty() ? "no file" : std::string(file));
  line("process", "pid " + std::to_string(number_of(root, "pid")) + ", " +
                      counted(number_of(root, "workers"), "worker") + ", " +
                      bytes_text(number_of(root, "resident_bytes")) + ", log level " +
                      log_words(root));
  const json_t* metrics = json_object_get(root, "metrics");
  const json_t* requests = json_object_get(metrics, "requests");
  line("requests", std::to_string(number_of(requests, "total")) + " (" +
                       std::to_string(number_of(requests, "errors")) + " failed), " +
                       std::to_string(number_of(requests, "in_flight")) + " in flight, " +
                       counted(number_of(requests, "open_streams"), "stream") + ", " +
                       std::to_string(number_of(requests, "refused")) + " refused");
  if (const json_t* queue = json_object_get(root, "queue"))
    line("queue", of_most(number_of(queue, "waiting"), number_of(queue, "max_size")) +
                      " waiting, longest " +
                      milliseconds_text(number_of(queue, "longest_wait_ms")) +
                      (flag_of(queue, "paused") ? ", paused (claspctl queue resume)" : ""));
  const json_t* cache = json_object_get(root, "cache");
  line("cache", flag_of(cache, "enabled")
                    ? of_most(number_of(cache, "entries"), number_of(cache, "max_entries")) +
                          " entries, " + bytes_text(number_of(cache, "bytes")) + ", " +
                          counted(number_of(cache, "hits"), "hit") + ", " +
                          counted(number_of(cache, "misses"), "miss", "misses")
                    : std::string("off"));
  return out.append("\n").append(backend_table(json_object_get(root, "backends"), look, "  "));
}

std::string render_backends(const json_t* root, const Look& look) {
  return backend_table(json_object_get(root, "backends"), look, "");
}

std::string render_backend(const json_t* root, const Look& look) {
  const JsonPtr list(json_pack("[O]", root));
  return backend_table(list.get(), look, "");
}

std::string render_breakers(const json_t* root, const Look& look) {
  Table table({{"BACKEND", {.shrink = 10}},
               "STATE",
               "OPENED",
               {"FAILURES", {.drop = 2}},
               {"IN A ROW", {.drop = 3}},
               {"LAST CAUSE", {.drop = 1, .shrink = 8}},
               "RETRY IN"});
  table.paint(1, state_painter(look));
  std::size_t i = 0;
  json_t* one = nullptr;
  json_array_foreach(json_object_get(root, "breakers"), i, one) {
    table.add(
        {std::string(text_of(one, "backend")), std::string(text_of(one, "state")),
         std::to_string(number_of(one, "times_opened")), std::to_string(number_of(one, "failures")),
         std::to_string(number_of(one, "failures_in_row")), std::string(text_of(one, "last_cause")),
         milliseconds_text(number_of(one, "retry_after_ms"))});
  }
  return (flag_of(root, "enabled") ? "" : "circuit breakers are off\n") + table.render(look.width);
}

std::string render_queue(const json_t* root, const Look& look) {
  if (!flag_of(root, "enabled")) return "the queue is off\n";
  std::string out = of_most(number_of(root, "waiting"), number_of(root, "max_size")) + " waiting" +
                    (flag_of(root, "paused") ? ", paused" : "") + "\n";
  Table table({"ID",
               {"CLIENT", {.shrink = 12}},
               {"BACKENDS", {.shrink = 10}},
               "WAITED",
               "LEFT",
               {"RETURNS", {.drop = 1}}});
  std::size_t i = 0;
  json_t* one = nullptr;
  json_array_foreach(json_object_get(root, "tickets"), i, one) {
    table.add(
        {std::string(text_of(one, "id")), std::string(text_of(one, "client")),
         join(json_object_get(one, "backends")), milliseconds_text(number_of(one, "waited_ms")),
         milliseconds_text(number_of(one, "left_ms")), std::to_string(number_of(one, "returns"))});
  }
  return table.empty() ? out : out + table.render(look.width);
}

std::string render_exchanges(const json_t* root, const Look& look) {
  Table table({"ID",
               {"CLIENT", {.drop = 2, .shrink = 9}},
               {"MODEL", {.drop = 1, .shrink = 12}},
               {"BACKEND", {.drop = 3, .shrink = 8}},
               {"PHASE", {.shrink = 9}},
               "AGE",
               {"SENT", {.drop = 4}}});
  std::size_t i = 0;
  json_t* one = nullptr;
  json_array_foreach(json_object_get(root, "exchanges"), i, one) {
    const std::string_view name = text_of(one, "client_name");
    const std::string_view phase = text_of(one, "phase");
    table.add(
        {std::string(text_of(one, "id")), std::string(name.empty() ? text_of(one, "client") : name),
         std::string(text_of(one, "model")), std::string(text_of(one, "backend")),
         std::string(phase) + (flag_of(one, "stream") ? ", stream" : ""),
         milliseconds_text(number_of(one, "age_ms")), bytes_text(number_of(one, "bytes_out"))});
  }
  std::string out = table.empty() ? "no requests in flight\n" : table.render(look.width);
  if (const std::int64_t silent = number_of(root, "silent_workers"); silent > 0)
    out.append(counted(silent, "worker")).append(" did not answer\n");
  return out;
}

std::string render_drain(const json_t* root, const Look&) {
  const std::int64_t running = number_of(root, "running");
  if (!flag_of(root, "draining")) return "in service\n";
  std::string out =
      "out of service, " + counted(running, "request still runs", "requests still run");
  if (running > 0 && json_object_get(root, "deadline_ms") != nullptr)
    out.append("; they are ended in ").append(milliseconds_text(number_of(root, "deadline_ms")));
  return out + "\nclaspctl undrain puts it back into service\n";
}

std::string render_ended(const json_t* root, const Look&) {
  return counted(number_of(root, "cancelled"), "request") + " ended\n";
}

// A backend, and how many requests of it were ended.
std::string render_disabled(const json_t* root, const Look& look) {
  const std::int64_t ended = number_of(root, "ended");
  return render_backend(root, look) +
         (ended > 0 ? counted(ended, "request") + " ended\n" : std::string());
}

std::string render_cache(const json_t* root, const Look&) {
  if (!flag_of(root, "enabled")) return "the response cache is off\n";
  return of_most(number_of(root, "entries"), number_of(root, "max_entries")) + " entries, " +
         bytes_text(number_of(root, "bytes")) + " of " + bytes_text(number_of(root, "max_bytes")) +
         "\n" + counted(number_of(root, "hits"), "hit") + ", " +
         counted(number_of(root, "misses"), "miss", "misses") + ", " +
         std::to_string(number_of(root, "coalesced")) + " coalesced, " +
         std::to_string(number_of(root, "evictions")) + " evicted, " +
         std::to_string(number_of(root, "expirations")) + " expired\n";
}

std::string render_flushed(const json_t* root, const Look&) {
  return counted(number_of(root, "flushed"), "answer") + " forgotten\n";
}

std::string render_cancelled(const json_t* root, const Look&) {
  return counted(number_of(root, "cancelled"), "waiting request") + " ended\n";
}

std::string render_level(const json_t* root, const Look&) {
  return dial_words(text_of(root, "level"), flag_of(root, "debug_requests"),
                    flag_of(root, "debug_responses")) +
         (flag_of(root, "changed") ? configured_words(json_object_get(root, "configured")) : "") +
         "\n";
}

std::string render_commands(const json_t* root, const Look& look) {
  Table table({"COMMAND", {"REQUEST", {.shrink = 20}}, {"PRIVILEGE", {.drop = 1}}});
  std::size_t i = 0;
  json_t* one = nullptr;
  json_array_foreach(json_object_get(root, "commands"), i, one) {
    table.add({std::string(text_of(one, "name")),
               std::string(text_of(one, "method")) + " " + std::string(text_of(one, "path")),
               std::string(text_of(one, "privilege"))});
  }
  return table.render(look.width);
}

// A finished request: when, how it ended, how long, tokens, who, which model, where.
std::string render_tail(const json_t* one, const Look& look) {
  if (const std::int64_t lost = number_of(one, "lost"); lost > 0)
    return paint("... " + counted(lost, "line was", "lines were") + " left out", Hue::dim, look) +
           "\n";
  if (const std::int64_t pid = number_of(one, "replaced_by"); pid > 0)
    return paint("... replaced by process " + std::to_string(pid), Hue::dim, look) + "\n";
  const auto when = static_cast<std::time_t>(number_of(one, "time"));
  std::tm local{};
  char clock[16] = "";
  if (localtime_r(&when, &local) != nullptr) std::strftime(clock, sizeof clock, "%H:%M:%S", &local);
  const bool good = text_of(one, "outcome") == "completed" && number_of(one, "status") < 400;
  const std::int64_t status = number_of(one, "status");
  char head[96];
  std::snprintf(head, sizeof head, "%7s %6lld in %6lld out",
                milliseconds_text(number_of(one, "total_ms")).c_str(),
                static_cast<long long>(number_of(one, "input_tokens")),
                static_cast<long long>(number_of(one, "output_tokens")));
  std::string out = clock;
  out.append(" ").append(
      paint(status == 0 ? "---" : std::to_string(status), good ? Hue::good : Hue::bad, look));
  out.append(head).append("  ");
  const auto text = [one](const char* member) { return harmless(text_of(one, member)); };
  const std::string name = text("client_name"), cache = text("cache"), backend = text("backend"),
                    error = text("error");
  std::string rest = name.empty() ? text("client") : name;
  rest.append("  ").append(text("model"));
  if (!backend.empty()) rest.append(" > ").append(backend).append("/").append(text("model_used"));
  if (cache == "hit" || cache == "coalesced") rest.append(" (").append(cache).append(")");
  if (!good && text_of(one, "outcome") == "client_left") rest.append(" (client left)");
  // A line each, so that the eye can run down the columns; but an error is told whole.
  const std::size_t before = std::string_view(clock).size() + 4 + std::string_view(head).size() + 2;
  if (look.width > before && error.empty()) rest = fit(rest, look.width - before);
  out.append(rest);
  if (!error.empty()) out.append(": ").append(paint(error, Hue::bad, look));
  return out + "\n";
}

struct Row {
  std::string_view words;
  Renderer renderer;
};

constexpr Row kRenderers[] = {
    {"status", render_status},
    {"reload", render_reload},
    {"config show", render_config},
    {"config check", render_check},
    {"config diff", render_diff},
    {"backends", render_backends},
    {"backends show", nullptr},
    {"backends enable", render_backend},
    {"backends disable", render_disabled},
    {"backends drain", render_backend},
    {"drain", render_drain},
    {"undrain", render_drain},
    {"upgrade", render_upgrade},
    {"tail", render_tail},
    {"limits", render_limits},
    {"keys", render_keys},
    {"costs", render_costs},
    {"test", render_test},
    {"exchanges", render_exchanges},
    {"exchanges show", nullptr},
    {"exchanges cancel", render_ended},
    {"breakers", render_breakers},
    {"breakers trip", render_backend},
    {"breakers reset", render_backend},
    {"queue", render_queue},
    {"queue cancel", render_cancelled},
    {"queue flush", render_cancelled},
    {"queue pause", render_queue},
    {"queue resume", render_queue},
    {"cache", render_cache},
    {"cache flush", render_flushed},
    {"metrics", render_metrics},
    {"log-level", render_level},
    {"log-level set", render_level},
    {"commands", render_commands},
};

std::string indented(const json_t* root) {
  const std::unique_ptr<char, void (*)(void*)> text(json_dumps(root, JSON_INDENT(2)), free);
  return text ? std::string(text.get()) + "\n" : std::string();
}

}  // namespace

std::string render(const control::Command& command, std::string_view body, const Look& look) {
  const JsonPtr root = parse_json(body);
  if (!root) return std::string(body);
  for (const Row& row : kRenderers)
    if (row.words == command.words && row.renderer != nullptr)
      return row.renderer(root.get(), look);
  return indented(root.get());
}

}  // namespace clasp::ctl
