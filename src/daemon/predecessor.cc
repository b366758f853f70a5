// See predecessor.h.
#include "daemon/predecessor.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "daemon/successor.h"

namespace clasp::daemon {

namespace {

constexpr int kPatienceMs = 10'000;
constexpr std::size_t kLongestMessage = 4096;
constexpr int kMessagesPerTurn = 64;
constexpr std::size_t kMostEarly = 100'000;
constexpr std::string_view kSpent = "spent ";

UniqueFd take(std::string_view number) {
  const auto fd = parse_unsigned(number);
  constexpr std::uint64_t kMost = 1'000'000;
  if (!fd || *fd <= STDERR_FILENO || *fd > kMost) return UniqueFd();
  UniqueFd out(static_cast<int>(*fd));
  if (fcntl(out.get(), F_SETFD, FD_CLOEXEC) == 0) return out;
  out.release();  // it was never ours
  return UniqueFd();
}

}  // namespace

std::unique_ptr<Predecessor> Predecessor::find() {
  const char* value = std::getenv(kHandoverVariable);
  if (value == nullptr) return nullptr;
  const std::string text = value;
  unsetenv(kHandoverVariable);
  const std::size_t blank = text.find(' ');
  UniqueFd socket = take(std::string_view(text).substr(0, blank));
  UniqueFd errors =
      blank == std::string::npos ? UniqueFd() : take(std::string_view(text).substr(blank + 1));
  if (!socket || !errors) return nullptr;
  return std::unique_ptr<Predecessor>(new Predecessor(std::move(socket), std::move(errors)));
}

void Predecessor::say(std::string_view word) {
  (void)!::send(socket_.get(), word.data(), word.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

std::optional<std::string> Predecessor::receive() {
  char bytes[kLongestMessage];
  const ssize_t got = ::recv(socket_.get(), bytes, sizeof bytes, MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return std::nullopt;
  return std::string(bytes, got > 0 ? static_cast<std::size_t>(got) : 0);
}

Result<void> Predecessor::wait_for_go() {
  say("prepared " CLASP_VERSION);
  // Its requests go on ending, so that what they cost may be said before it is our turn.
  for (std::size_t i = 0; i < kMostEarly; ++i) {
    pollfd waiting{socket_.get(), POLLIN, 0};
    int ready = 0;
    do {
      ready = ::poll(&waiting, 1, kPatienceMs);
    } while (ready < 0 && errno == EINTR);
    const auto text = ready > 0 ? receive() : std::nullopt;
    if (text == "go") return {};
    if (!text || !text->starts_with(kSpent)) break;
    spent_early_.push_back(text->substr(kSpent.size()));
  }
  return fail("the process that is to be replaced did not agree");
}

void Predecessor::tell_ready(event_base* base, Ears ears) {
  ears_ = std::move(ears);
  for (const std::string& line : std::exchange(spent_early_, {})) ears_.on_spent(line);
  event_.reset(event_new(base, socket_.get(), EV_READ | EV_PERSIST, on_message_thunk, this));
  if (!event_ || event_add(event_.get(), nullptr) != 0) log_error("the event loop took no socket");
  say("ready");
}

void Predecessor::take_standard_error() {
  if (errors_) dup2(errors_.get(), STDERR_FILENO);
  errors_.reset();
}

void Predecessor::on_message_thunk(evutil_socket_t, short, void* self) noexcept {
  static_cast<Predecessor*>(self)->on_message();
}

void Predecessor::on_message() {
  for (int i = 0; i < kMessagesPerTurn && event_; ++i) {
    const auto text = receive();
    if (!text) return;
    if (text->starts_with(kSpent)) {
      ears_.on_spent(std::string_view(*text).substr(kSpent.size()));
      continue;
    }
    if (text->empty()) event_.reset();  // it is gone; whatever it meant to do, we serve
    if ((text->empty() || text == "yours") && ears_.on_yours)
      std::exchange(ears_.on_yours, nullptr)();
    if (text == "reload") ears_.on_reload();
    if (!event_ && on_gone_) std::exchange(on_gone_, nullptr)();
  }
}

}  // namespace clasp::daemon
