// See service_manager.h.
#include "daemon/service_manager.h"

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <set>

#include "base/control_chars.h"
#include "base/log.h"
#include "base/text.h"

namespace clasp::daemon {

namespace {

constexpr std::size_t kMostRoom = 4096;
// SCM_MAX_FD of the kernel is 253.
constexpr std::size_t kMostAtOnce = 200;
constexpr std::size_t kLongestStatus = 1000;

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string_view() : std::string_view(value);
}

// A field is a line.
std::string one_line(std::string_view text) {
  std::string out = scrub_utf8(text.substr(0, kLongestStatus));
  std::replace_if(out.begin(), out.end(), is_control, ' ');
  return out;
}

}  // namespace

bool has_service_manager() {
  return !variable("NOTIFY_SOCKET").empty();
}

bool is_unmanaged_main_process() {
  return !has_service_manager() && variable("SYSTEMD_EXEC_PID") == std::to_string(getpid());
}

void notify_failed(int cause, const std::string& reason) {
  std::string text = "STATUS=" + one_line(reason);
  if (cause != 0) text += "\nERRNO=" + std::to_string(cause);
  sd_notify(0, text.c_str());
}

ServiceManager::ServiceManager(const std::vector<std::string>& stored)
    : present_(has_service_manager()) {
  if (!present_) return;
  std::uint64_t us = 0;
  if (sd_watchdog_enabled(0, &us) > 0)
    watchdog_ = std::max(Duration{1}, Duration{static_cast<std::int64_t>(us / 1000)});
  // systemd says it since version 254; units for older ones set the variable themselves.
  room_ = static_cast<std::size_t>(
      std::min<std::uint64_t>(parse_unsigned(variable("FDSTORE")).value_or(0), kMostRoom));
  for (const std::string& name : stored) kept_[name];
}

void ServiceManager::send(const std::string& fields) {
  if (present_ && !silent_) sd_notify(0, fields.c_str());
}

void ServiceManager::ready(const std::string& status) {
  last_status_ = one_line(status);
  send("READY=1\nSTATUS=" + last_status_);
}

void ServiceManager::reloading() {
  // The manager tells by the time which reload the READY=1 that follows belongs to.
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const auto us = static_cast<long long>(now.tv_sec) * 1'000'000 + now.tv_nsec / 1000;
  send("RELOADING=1\nMONOTONIC_USEC=" + std::to_string(us));
}

void ServiceManager::status(const std::string& text) {
  std::string next = one_line(text);
  if (next == last_status_) return;
  last_status_ = std::move(next);
  send("STATUS=" + last_status_);
}

void ServiceManager::stopping(const std::string& status) {
  last_status_ = one_line(status);
  send("STOPPING=1\nSTATUS=" + last_status_);
}

void ServiceManager::extend_timeout(Duration time) {
  send("EXTEND_TIMEOUT_USEC=" +
       std::to_string(std::chrono::duration_cast<std::chrono::microseconds>(time).count()));
}

void ServiceManager::hand_over(pid_t pid) {
  send("MAINPID=" + std::to_string(pid));
}

void ServiceManager::feed_watchdog() {
  send("WATCHDOG=1");
}

void ServiceManager::keep(const std::vector<NamedSockets>& sockets) {
  if (!present_ || silent_) return;
  std::set<std::string> wanted;
  for (const NamedSockets& one : sockets) wanted.insert(one.name);
  for (auto at = kept_.begin(); at != kept_.end();) {
    if (wanted.contains(at->first)) {
      ++at;
      continue;
    }
    send("FDSTOREREMOVE=1\nFDNAME=" + at->first);
    at = kept_.erase(at);
  }
  if (room_ == 0) return;
  // What is in the store already, from a process before this one, is not stored twice by systemd.
  std::size_t used = 0;
  for (const NamedSockets& one : sockets) {
    if (const auto found = kept_.find(one.name); found != kept_.end() && found->second > 0) {
      used += found->second;
      continue;
    }
    if (used + one.fds.size() > room_) {
      log_warn("the fd store has no room for the " + std::to_string(one.fds.size()) +
               " sockets of " + one.name +
               ": they do not survive a restart; raise "
               "FileDescriptorStoreMax= of the unit");
      continue;
    }
    if (!store(one)) continue;
    used += one.fds.size();
  }
}

bool ServiceManager::store(const NamedSockets& one) {
  std::vector<int> fds;
  for (const SharedFd& fd : one.fds) fds.push_back(fd->get());
  // systemd need not watch them: a listening socket has no end.
  const std::string fields = "FDSTORE=1\nFDPOLL=0\nFDNAME=" + one.name;
  for (std::size_t at = 0; at < fds.size(); at += kMostAtOnce) {
    const std::size_t count = std::min(kMostAtOnce, fds.size() - at);
    if (sd_pid_notify_with_fds(0, 0, fields.c_str(), fds.data() + at,
                               static_cast<unsigned>(count)) <= 0) {
      log_warn("the service manager took no sockets into its fd store");
      return false;
    }
  }
  kept_[one.name] = fds.size();
  return true;
}

}  // namespace clasp::daemon
