// See service.h.
#include "daemon/service.h"
#include "base/control_chars.h"

#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#define SD_JOURNAL_SUPPRESS_LOCATION  // where in this file a line was sent says nothing
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <mutex>

namespace clasp::daemon {

namespace {

int priority_of(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return LOG_DEBUG;
    case LogLevel::info:
      return LOG_INFO;
    case LogLevel::warn:
      return LOG_WARNING;
    case LogLevel::error:
      return LOG_ERR;
  }
  return LOG_INFO;
}

class JournalSink final : public LogSink {
 public:
  void write(LogLevel level, std::string_view message,
             const std::vector<LogField>& fields) override {
    std::vector<std::string> entries;
    entries.reserve(fields.size() + 3);
    entries.push_back("MESSAGE=" + std::string(message));
    entries.push_back("PRIORITY=" + std::to_string(priority_of(level)));
    entries.push_back("SYSLOG_IDENTIFIER=clasp");
    for (const auto& [name, value] : fields)
      entries.push_back(std::string(name) + "=" + std::string(value));
    std::vector<iovec> parts;
    parts.reserve(entries.size());
    for (std::string& entry : entries) parts.push_back({entry.data(), entry.size()});
    sd_journal_sendv(parts.data(), static_cast<int>(parts.size()));
  }
};

// One line at a time, so that lines of several threads do not mix.
class StderrSink final : public LogSink {
 public:
  explicit StderrSink(bool managed) : managed_(managed) {}

  bool wants_fields() const override { return false; }

  void write(LogLevel level, std::string_view message, const std::vector<LogField>&) override {
    std::string line;
    line.reserve(message.size() + 48);
    if (managed_) {
      line.append("<").append(std::to_string(priority_of(level))).append(">");
    } else {
      append_time(line);
      line.append(" ").append(render_log_level(level)).append(" ");
    }
    const std::size_t start = line.size();
    line.append(message);
    // One entry, one line, and nothing that a terminal obeys.
    if (has_control(message))
      std::replace_if(line.begin() + static_cast<std::ptrdiff_t>(start), line.end(), is_control,
                      ' ');
    line.push_back('\n');
    const std::lock_guard lock(mutex_);
    write_all(line);
  }

 private:
  // A pipe takes a long line in pieces.
  static void write_all(std::string_view line) {
    while (!line.empty()) {
      const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
      if (written < 0 && errno != EINTR) return;
      if (written > 0) line.remove_prefix(static_cast<std::size_t>(written));
    }
  }

  // The text of a second is made once per thread and second.
  static void append_time(std::string& line) {
    thread_local time_t second = -1;
    thread_local char text[40];
    thread_local std::size_t length = 0;
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec != second) {
      second = now.tv_sec;
      tm parts{};
      localtime_r(&second, &parts);
      length = strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
    }
    const auto ms = static_cast<int>(now.tv_nsec / 1'000'000);
    line.append(text, length).push_back('.');
    for (const int unit : {100, 10, 1}) line.push_back(static_cast<char>('0' + ms / unit % 10));
  }

  bool managed_;
  std::mutex mutex_;
};

// systemd sets $JOURNAL_STREAM to "device:inode" of the stream it gave us (systemd.exec(5)).
bool stderr_is_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat info {};
  if (stream == nullptr || fstat(STDERR_FILENO, &info) != 0) return false;
  const std::string here = std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino);
  return here == stream;
}

}  // namespace

std::unique_ptr<LogSink> make_log_sink() {
  if (stderr_is_journal()) return std::make_unique<JournalSink>();
  return std::make_unique<StderrSink>(std::getenv("JOURNAL_STREAM") != nullptr);
}

}  // namespace clasp::daemon
