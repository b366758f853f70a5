// See render.h.
#include "ctl/render.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "ctl/json.h"
#include "ctl/render_clients.h"
#include "ctl/render_upgrade.h"
#include "ctl/table.h"

namespace clasp::ctl {

namespace {

using Renderer = std::string (*)(const json_t*, const Look&);

// ---- pieces -------------------------------------------------------------------------------------

enum class Hue { good, warning, bad, dim };

std::string paint(std::string_view text, Hue hue, const Look& look) {
  if (!look.colour) return std::string(text);
  constexpr const char* kCodes[] = {"\x1b[32m", "\x1b[33m", "\x1b[31m", "\x1b[2m"};
  return kCodes[static_cast<int>(hue)] + std::string(text) + "\x1b[0m";
}

// Of a state's name; what is not known is left as it is.
std::string paint_state(std::string_view state, const Look& look) {
  if (state == "healthy" || state == "closed") return paint(state, Hue::good, look);
  if (state == "degraded" || state == "draining" || state == "half_open")
    return paint(state, Hue::warning, look);
  if (state == "down" || state == "open" || state == "disabled")
    return paint(state, Hue::bad, look);
  return std::string(state);
}

std::string bytes_text(std::int64_t bytes) {
  const char* units[] = {"B", "KB", "MB", "GB", "TB"};
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; value >= 1024 && unit + 1 < std::size(units); ++unit) value /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
  return text;
}

std::string milliseconds_text(std::int64_t ms) {
  char text[32];
  if (ms < 1000)
    std::snprintf(text, sizeof text, "%lldms", static_cast<long long>(ms));
  else
    std::snprintf(text, sizeof text, "%.1fs", static_cast<double>(ms) / 1000);
  return ms == 0 ? "-" : text;
}

std::string seconds_text(std::int64_t seconds) {
  const std::int64_t days = seconds / 86400, hours = seconds / 3600 % 24,
                     minutes = seconds / 60 % 60;
  if (days > 0) return std::to_string(days) + "d " + std::to_string(hours) + "h";
  if (hours > 0) return std::to_string(hours) + "h " + std::to_string(minutes) + "m";
  if (minutes > 0) return std::to_string(minutes) + "m " + std::to_string(seconds % 60) + "s";
  return std::to_string(seconds) + "s";
}

std::string of_most(std::int64_t number, std::int64_t most) {
  return std::to_string(number) + (most > 0 ? "/" + std::to_string(most) : "");
}

std::int64_t failures_of(const json_t* backend) {
  std::int64_t sum = 0;
  const char* name = nullptr;
  json_t* count = nullptr;
  json_object_foreach(json_object_get(backend, "failures"), name, count) sum +=
      json_integer_value(count);
  return sum;
}

std::string backend_table(const json_t* list, const Look& look, std::string_view indent) {
  Table table({"BACKEND", "PROVIDER", "STATE", "BREAKER", "IN FLIGHT", "REQUESTS", "FAILED",
               "LATENCY", "FIRST"});
  std::size_t i = 0;
  json_t* one = nullptr;
  json_array_foreach(list, i, one) {
    const std::string_view admin = text_of(one, "admin");
    const std::string_view breaker = text_of(json_object_get(one, "circuit_breaker"), "state");
    // Colours would count as width: they stand in the last columns' place only where they may.
    table.add({std::string(text_of(one, "name")), std::string(text_of(one, "provider")),
               std::string(admin == "enabled" ? text_of(one, "state") : admin),
               breaker.empty() ? "off" : std::string(breaker),
               of_most(number_of(one, "in_flight"), number_of(one, "max_concurrency")),
               std::to_string(number_of(one, "attempts")), std::to_string(failures_of(one)),
               milliseconds_text(number_of(one, "latency_ms")),
               milliseconds_text(number_of(one, "first_content_ms"))});
  }
  static_cast<void>(look);
  return table.render(indent);
}

std::string lines_of(const json_t* list, std::string_view before) {
  std::string out;
  std::size_t i = 0;
  json_t* one = nullptr;
  json_array_foreach(list, i, one) if (json_is_string(one)) out.append(before)
      .append(json_string_value(one))
      .append("\n");
  return out;
}

// ---- commands -----------------------------------------------------------------------------------

std::string render_status(const json_t* root, const Look& look) {
  const std::string_view state = text_of(root, "state");
  std::string out = "clasp " + std::string(text_of(root, "version")) + ": " +
                    paint_state(state, look) + ", up " +
                    seconds_text(number_of(root, "uptime_seconds")) + "\n\n";
  const auto line = [&out](std::string_view name, const std::string& value) {
    if (value.empty()) return;
    out.append("  ").append(name).append(11 - name.size(), ' ').append(value).append("\n");
  };
  const std::string_view file = text_of(root, "config_file");
  line("listening", join(json_object_get(root, "listeners")));
  line("config", file.empty() ? "no file" : std::string(file));
  line("process", "pid " + std::to_string(number_of(root, "pid")) + ", " +
                      std::to_string(number_of(root, "workers")) + " workers, " +
                      bytes_text(number_of(root, "resident_bytes")) + ", log level " +
                      std::string(text_of(root, "log_level")));
  const json_t* metrics = json_object_get(root, "metrics");
  const json_t* requests = json_object_get(metrics, "requests");
  line("requests", std::to_string(number_of(requests, "total")) + " (" +
                       std::to_string(number_of(requests, "errors")) + " failed), " +
                       std::to_string(number_of(requests, "in_flight")) + " in flight, " +
                       std::to_string(number_of(requests, "open_streams")) + " streams, " +
                       std::to_string(number_of(requests, "refused")) + " refused");
  if (const json_t* queue = json_object_get(root, "queue"))
    line("queue", of_most(number_of(queue, "waiting"), number_of(queue, "max_size")) +
                      " waiting, longest " +
                      milliseconds_text(number_of(queue, "longest_wait_ms")));
  const json_t* cache = json_object_get(root, "cache");
  line("cache", flag_of(cache, "enabled")
                    ? of_most(number_of(cache, "entries"), number_of(cache, "max_entries")) +
                          " entries, " + bytes_text(number_of(cache, "bytes")) + ", " +
                          std::to_string(number_of(cache, "hits")) + " hits, " +
                          std::to_string(number_of(cache, "misses")) + " misses"
                    : std::string("off"));
  return out.append("\n").append(backend_table(json_object_get(root, "backends"), look, "  "));
}

std::string render_reload(const json_t* root, const Look& look) {
  const std::string_view file = text_of(root, "config_file");
  std::string out = "the configuration was loaded again" +
                    (file.empty() ? std::string() : " from " + std::string(file)) + "\n";
  out.append(lines_of(json_object_get(root, "warnings"), paint("warning: ", Hue::warning, look)));
  const std::string restart = join(json_object_get(root, "restart_needed"));
  if (!restart.empty())
    out.append(paint("needs a restart: ", Hue::warning, look)).append(restart).append("\n");
  return out;
}

std::string render_config(const json_t* root, const Look&) {
  Table table({"SETTING", "VALUE", "FROM"});
  std::size_t i = 0;
  json_t* one = nullptr;
  json_array_foreach(json_object_get(root, "settings"), i, one) {
    table.add({std::string(text_of(one, "name")), std::string(text_of(one, "value")),
               std::string(text_of(one, "place"))});
  }
  return table.empty() ? "nothing is set; everything has its default\n" : table.render();
}

std::string render_check(const json_t* root, const Look& look) {
  const std::string_view file = text_of(root, "config_file");
  std::string out = "the configuration is valid" +
                    (file.empty() ? std::string() : ": " + std::string(file)) + "\n";
  out.append(lines_of(json_object_get(root, "warnings"), paint("warning: ", Hue::warning, look)));
  const std::string restart = join(json_object_get(root, "restart_needed"));
  if (!restart.empty())
    out.append(paint("needs a restart: ", Hue::warning, look)).append(restart).append("\n");
  return out;
}

std::string render_diff(const json_t* root, const Look& look) {
  std::string out;
  std::size_t i = 0;
  json_t* one = nullptr;
  json_array_foreach(json_object_get(root, "changes"), i, one) {
    const std::string name(text_of(one, "name"));
    if (json_object_get(one, "before") != nullptr)
      out.append(paint("- " + name + " = " + std::string(text_of(one, "before")), Hue::bad, look))
          .append("\n");
    if (json_object_get(one, "after") != nullptr)
      out.append(paint("+ " + name + " = " + std::string(text_of(one, "after")), Hue::good, look))
          .append("\n");
  }
  if (out.empty()) return "a reload would change nothing\n";
  const std::string restart = join(json_object_get(root, "restart_needed"));
  if (!restart.empty()) out.append("needs a restart: ").append(restart).append("\n");
  return out;
}

std::string render_backends(const json_t* root, const Look& look) {
  return backend_table(json_object_get(root, "backends"), look, "");
}

std::string render_backend(const json_t* root, const Look& look) {
  const JsonPtr list(json_pack("[O]", root));
  return backend_table(list.get(), look, "");
}

std::string render_breakers(const json_t* root, const Look&) {
  Table table({"BACKEND", "STATE", "OPENED", "FAILURES", "IN A ROW", "LAST CAUSE", "RETRY IN"});
  std::size_t i = 0;
  json_t* one = nullptr;
  json_array_foreach(json_object_get(root, "breakers"), i, one) {
    table.add(
        {std::string(text_of(one, "backend")), std::string(text_of(one, "state")),
         std::to_string(number_of(one, "times_opened")), std::to_string(number_of(one, "failures")),
         std::to_string(number_of(one, "failures_in_row")), std::string(text_of(one, "last_cause")),
         milliseconds_text(number_of(one, "retry_after_ms"))});
  }
  return (flag_of(root, "enabled") ? "" : "circuit breakers are off\n") + table.render();
}

std::string render_queue(const json_t* root, const Look&) {
  if (!flag_of(root, "enabled")) return "the queue is off\n";
  std::string out = of_most(number_of(root, "waiting"), number_of(root, "max_size")) + " waiting" +
                    (flag_of(root, "paused") ? ", paused" : "") + "\n";
  Table table({"ID", "CLIENT", "BACKENDS", "WAITED", "LEFT", "RETURNS"});
  std::size_t i = 0;
  json_t* one = nullptr;
  json_array_foreach(json_object_get(root, "tickets"), i, one) {
    table.add(
        {std::string(text_of(one, "id")), std::string(text_of(one, "client")),
         join(json_object_get(one, "backends")), milliseconds_text(number_of(one, "waited_ms")),
         milliseconds_text(number_of(one, "left_ms")), std::to_string(number_of(one, "returns"))});
  }
  return table.empty() ? out : out + table.render();
}

std::string render_exchanges(const json_t* root, const Look&) {
  Table table({"ID", "CLIENT", "MODEL", "BACKEND", "PHASE", "AGE", "SENT"});
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
  std::string out = table.empty() ? "no requests in flight\n" : table.render();
  if (const std::int64_t silent = number_of(root, "silent_workers"); silent > 0)
    out.append(std::to_string(silent)).append(" workers did not answer\n");
  return out;
}

std::string render_drain(const json_t* root, const Look&) {
  const std::int64_t running = number_of(root, "running");
  if (!flag_of(root, "draining")) return "in service\n";
  std::string out = "out of service, " + std::to_string(running) + " requests still run";
  if (running > 0 && json_object_get(root, "deadline_ms") != nullptr)
    out.append("; they are ended in ").append(milliseconds_text(number_of(root, "deadline_ms")));
  return out + "\nclaspctl undrain puts it back into service\n";
}

std::string render_ended(const json_t* root, const Look&) {
  return std::to_string(number_of(root, "cancelled")) + " requests ended\n";
}

// A backend, and how many requests of it were ended.
std::string render_disabled(const json_t* root, const Look& look) {
  const std::int64_t ended = number_of(root, "ended");
  return render_backend(root, look) +
         (ended > 0 ? std::to_string(ended) + " requests ended\n" : std::string());
}

std::string render_cache(const json_t* root, const Look&) {
  if (!flag_of(root, "enabled")) return "the response cache is off\n";
  return of_most(number_of(root, "entries"), number_of(root, "max_entries")) + " entries, " +
         bytes_text(number_of(root, "bytes")) + " of " + bytes_text(number_of(root, "max_bytes")) +
         "\n" + std::to_string(number_of(root, "hits")) + " hits, " +
         std::to_string(number_of(root, "misses")) + " misses, " +
         std::to_string(number_of(root, "coalesced")) + " coalesced, " +
         std::to_string(number_of(root, "evictions")) + " evicted, " +
         std::to_string(number_of(root, "expirations")) + " expired\n";
}

std::string render_flushed(const json_t* root, const Look&) {
  return std::to_string(number_of(root, "flushed")) + " answers forgotten\n";
}

std::string render_cancelled(const json_t* root, const Look&) {
  return std::to_string(number_of(root, "cancelled")) + " waiting requests ended\n";
}

std::string render_level(const json_t* root, const Look&) {
  return std::string(text_of(root, "level")) + "\n";
}

std::string render_commands(const json_t* root, const Look&) {
  Table table({"COMMAND", "REQUEST", "PRIVILEGE"});
  std::size_t i = 0;
  json_t* one = nullptr;
  json_array_foreach(json_object_get(root, "commands"), i, one) {
    table.add({std::string(text_of(one, "name")),
               std::string(text_of(one, "method")) + " " + std::string(text_of(one, "path")),
               std::string(text_of(one, "privilege"))});
  }
  return table.render();
}

// A finished request: when, how it ended, how long, tokens, who, which model, where.
std::string render_tail(const json_t* one, const Look& look) {
  if (const std::int64_t lost = number_of(one, "lost"); lost > 0)
    return paint("... " + std::to_string(lost) + " lines were left out", Hue::dim, look) + "\n";
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
  out.append(name.empty() ? text("client") : name).append("  ");
  out.append(text("model"));
  if (!backend.empty()) out.append(" > ").append(backend).append("/").append(text("model_used"));
  if (cache == "hit" || cache == "coalesced") out.append(" (").append(cache).append(")");
  if (!good && text_of(one, "outcome") == "client_left") out.append(" (client left)");
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
