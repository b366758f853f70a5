// See link.h.
#include "ctl/link.h"

#include <curl/curl.h>
#include <sys/un.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

namespace clasp::ctl {

namespace {

constexpr std::size_t kLargestAnswer = 64u << 20;
constexpr std::size_t kLongestLine = 1u << 20;
constexpr long kConnectSeconds = 5;

struct CurlEnd {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};

std::size_t on_bytes(char* data, std::size_t, std::size_t count, void* to) noexcept {
  auto* body = static_cast<std::string*>(to);
  if (body->size() + count > kLargestAnswer) return 0;
  body->append(data, count);
  return count;
}

LinkError explain(CURL* curl, CURLcode code, const std::string& socket) {
  if (code == CURLE_OPERATION_TIMEDOUT)
    return {
        LinkError::Kind::timeout,
        "the daemon does not answer in time (" + socket +
            "); it is just starting, cannot start, or hangs: systemctl status clasp and its log "
            "tell. --timeout SECONDS waits longer"};
  long cause = 0;
  curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &cause);
  // A queue without room is no error to libcurl, but then it is not connected.
  if (code == CURLE_COULDNT_CONNECT && (cause == 0 || cause == EAGAIN))
    return {LinkError::Kind::timeout,
            "nobody takes the connections that wait at " + socket +
                "; does the daemon hang, or cannot it start? systemctl status clasp and its log "
                "tell"};
  if (cause == EACCES || cause == EPERM)
    return {LinkError::Kind::refused,
            socket +
                ": permission denied; run claspctl as root, as the daemon's user, or as a "
                "member of the socket's group"};
  if (cause == ENOENT || cause == ECONNREFUSED)
    return {LinkError::Kind::not_running,
            "no daemon listens at " + socket +
                "; is clasp running? Another socket is named with --socket PATH or "
                "CLASP_CONTROL_SOCKET"};
  if (code == CURLE_GOT_NOTHING || code == CURLE_PARTIAL_FILE || code == CURLE_RECV_ERROR)
    return {LinkError::Kind::not_running,
            socket + ": the connection ended before the answer did; did the daemon end?"};
  if (code == CURLE_WRITE_ERROR)
    return {LinkError::Kind::refused, socket + ": the answer is too large"};
  return {LinkError::Kind::not_running, socket + ": " + curl_easy_strerror(code)};
}

using CurlPtr = std::unique_ptr<CURL, CurlEnd>;

Result<void, LinkError> check_path(const std::string& socket) {
  if (socket.size() < sizeof(sockaddr_un::sun_path)) return {};
  return tl::unexpected(
      LinkError{LinkError::Kind::refused, "the path of the control socket is too long"});
}

// The request, but for what becomes of its answer.
CurlPtr prepare(const std::string& socket, const std::string& method, const std::string& target) {
  CurlPtr curl(curl_easy_init());
  if (!curl) return curl;
  // The name in the URL is for the Host header alone.
  const std::string url = "http://clasp" + target;
  curl_easy_setopt(curl.get(), CURLOPT_UNIX_SOCKET_PATH, socket.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_URL, url.c_str());
  // A backend called ".." must not turn /v1/backends/../drain into /v1/drain.
  curl_easy_setopt(curl.get(), CURLOPT_PATH_AS_IS, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_CUSTOMREQUEST, method.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PROXY, "");
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT, kConnectSeconds);
  return curl;
}

int status_of(CURL* curl) {
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  return static_cast<int>(status);
}

// An answer in lines while it comes.
struct Following {
  CURL* curl = nullptr;
  std::function<bool(std::string_view)> on_line;
  std::string rest;  // an unfinished line, or an error
  bool stopped = false;
  std::chrono::steady_clock::time_point patience;
};

std::size_t on_lines(char* data, std::size_t, std::size_t count, void* to) noexcept {
  auto& following = *static_cast<Following*>(to);
  if (following.rest.size() + count > kLongestLine) return 0;
  following.rest.append(data, count);
  if (status_of(following.curl) != 200) return count;
  std::size_t begin = 0;
  for (std::size_t end = 0; (end = following.rest.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    following.stopped =
        !following.on_line(std::string_view(following.rest).substr(begin, end - begin));
    if (following.stopped) return 0;
  }
  following.rest.erase(0, begin);
  return count;
}

// Lines may be a long time apart, but the answer begins at once.
int on_progress(void* to, curl_off_t, curl_off_t, curl_off_t, curl_off_t) noexcept {
  const auto& following = *static_cast<Following*>(to);
  return status_of(following.curl) == 0 && std::chrono::steady_clock::now() > following.patience;
}

}  // namespace

Result<Told, LinkError> ask_daemon(const std::string& socket, const std::string& method,
                                   const std::string& target, long seconds) {
  if (auto good = check_path(socket); !good) return tl::unexpected(good.error());
  const CurlPtr curl = prepare(socket, method, target);
  if (!curl) return tl::unexpected(LinkError{LinkError::Kind::refused, "out of memory"});
  Told told;
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, seconds);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, on_bytes);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &told.body);
  if (const CURLcode code = curl_easy_perform(curl.get()); code != CURLE_OK)
    return tl::unexpected(explain(curl.get(), code, socket));
  told.status = status_of(curl.get());
  return told;
}

struct Asking::State {
  std::string socket, body;
  CURLM* multi = nullptr;
  CurlPtr curl;
  std::optional<Result<Told, LinkError>> result;
};

Asking::Asking(const std::string& socket, const std::string& method, const std::string& target,
               long seconds)
    : state_(std::make_unique<State>()) {
  state_->socket = socket;
  if (auto good = check_path(socket); !good) {
    state_->result = tl::unexpected(good.error());
    return;
  }
  state_->curl = prepare(socket, method, target);
  state_->multi = curl_multi_init();
  if (!state_->curl || state_->multi == nullptr) {
    state_->result = tl::unexpected(LinkError{LinkError::Kind::refused, "out of memory"});
    return;
  }
  CURL* curl = state_->curl.get();
  curl_easy_setopt(curl, CURLOPT_TIMEOUT, seconds);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &state_->body);
  curl_multi_add_handle(state_->multi, curl);
}

Asking::~Asking() {
  if (state_->multi == nullptr) return;
  if (state_->curl) curl_multi_remove_handle(state_->multi, state_->curl.get());
  curl_multi_cleanup(state_->multi);
}

bool Asking::wait(std::initializer_list<int> others, int milliseconds) {
  const auto look = [this] {
    int running = 0, left = 0;
    if (state_->result || curl_multi_perform(state_->multi, &running) != CURLM_OK)
      return state_->result.has_value();
    while (const CURLMsg* message = curl_multi_info_read(state_->multi, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      if (message->data.result == CURLE_OK)
        state_->result = Told{status_of(state_->curl.get()), std::move(state_->body)};
      else
        state_->result =
            tl::unexpected(explain(state_->curl.get(), message->data.result, state_->socket));
    }
    return state_->result.has_value();
  };
  if (look()) return true;
  std::vector<curl_waitfd> waiting;
  for (const int fd : others) waiting.push_back({fd, CURL_WAIT_POLLIN, 0});
  int ready = 0;
  curl_multi_poll(state_->multi, waiting.data(), static_cast<unsigned>(waiting.size()),
                  milliseconds, &ready);
  return look();
}

Result<Told, LinkError> Asking::take() {
  return *state_->result;
}

Result<Told, LinkError> follow_daemon(const std::string& socket, const std::string& method,
                                      const std::string& target, long seconds,
                                      std::function<bool(std::string_view)> on_line) {
  const CurlPtr curl = prepare(socket, method, target);
  if (!curl) return tl::unexpected(LinkError{LinkError::Kind::refused, "out of memory"});
  Following following{curl.get(),
                      std::move(on_line),
                      {},
                      false,
                      std::chrono::steady_clock::now() + std::chrono::seconds(seconds)};
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, on_lines);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &following);
  curl_easy_setopt(curl.get(), CURLOPT_NOPROGRESS, 0L);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFOFUNCTION, on_progress);
  curl_easy_setopt(curl.get(), CURLOPT_XFERINFODATA, &following);
  const CURLcode code = curl_easy_perform(curl.get());
  const int status = status_of(curl.get());
  if (following.stopped)
    return tl::unexpected(LinkError{LinkError::Kind::refused, "cannot write the output"});
  if (code == CURLE_ABORTED_BY_CALLBACK)
    return tl::unexpected(explain(curl.get(), CURLE_OPERATION_TIMEDOUT, socket));
  if (code == CURLE_WRITE_ERROR)
    return tl::unexpected(LinkError{LinkError::Kind::refused, "the answer cannot be used"});
  // A daemon that ends cuts the answer off.
  if (code != CURLE_OK && status != 200) return tl::unexpected(explain(curl.get(), code, socket));
  return Told{status, std::move(following.rest)};
}

}  // namespace clasp::ctl
