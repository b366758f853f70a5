// One place for the daemon's own messages. The sink (stderr or the journal) is chosen by the
// daemon at start; the core never logs, it returns what is worth telling.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace clasp {

enum class LogLevel { debug, info, warn, error };

std::string_view render_log_level(LogLevel level);

// A structured field beside the message. Names are journal field names ("CLASP_REQUEST_ID").
using LogField = std::pair<std::string_view, std::string_view>;

// Where messages go. Called from any worker thread; must serialise by itself.
class LogSink {
 public:
  virtual ~LogSink() = default;
  virtual void write(LogLevel level, std::string_view message,
                     const std::vector<LogField>& fields) = 0;
  // False: it drops the fields, so nobody need make them.
  virtual bool wants_fields() const { return true; }
};

// Not owned; must outlive every log call. nullptr (the start value) writes plain lines to stderr.
void set_log_sink(LogSink* sink);
void set_log_level(LogLevel level);
LogLevel log_level();
inline bool log_enabled(LogLevel level) {
  return level >= log_level();
}
bool log_wants_fields();

void log(LogLevel level, std::string_view message, const std::vector<LogField>& fields = {});
inline void log_debug(std::string_view m) {
  log(LogLevel::debug, m);
}
inline void log_info(std::string_view m) {
  log(LogLevel::info, m);
}
inline void log_warn(std::string_view m) {
  log(LogLevel::warn, m);
}
inline void log_error(std::string_view m) {
  log(LogLevel::error, m);
}

}  // namespace clasp
