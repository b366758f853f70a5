// The log level and the sink; the default sink is plain stderr.
#include "base/log.h"

#include <atomic>
#include <cstdio>

namespace clasp {

namespace {
std::atomic<LogSink*> g_sink{nullptr};
std::atomic<LogLevel> g_level{LogLevel::info};
}  // namespace

std::string_view render_log_level(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return "debug";
    case LogLevel::info:
      return "info";
    case LogLevel::warn:
      return "warn";
    case LogLevel::error:
      return "error";
  }
  return "info";
}

void set_log_sink(LogSink* sink) {
  g_sink.store(sink, std::memory_order_release);
}
void set_log_level(LogLevel level) {
  g_level.store(level, std::memory_order_relaxed);
}
LogLevel log_level() {
  return g_level.load(std::memory_order_relaxed);
}

bool log_wants_fields() {
  const LogSink* sink = g_sink.load(std::memory_order_acquire);
  return sink != nullptr && sink->wants_fields();
}

void log(LogLevel level, std::string_view message, const std::vector<LogField>& fields) {
  if (!log_enabled(level)) return;
  if (LogSink* sink = g_sink.load(std::memory_order_acquire)) {
    sink->write(level, message, fields);
    return;
  }
  std::fprintf(stderr, "clasp: %s: %.*s\n", render_log_level(level).data(),
               static_cast<int>(message.size()), message.data());
}

}  // namespace clasp
