// See link.h.
#include "ctl/link.h"

#include <curl/curl.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace clasp::ctl {

namespace {

constexpr std::size_t kLargestAnswer = 64u << 20;
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
    return {LinkError::Kind::timeout, "the daemon does not answer (" + socket + ")"};
  long cause = 0;
  curl_easy_getinfo(curl, CURLINFO_OS_ERRNO, &cause);
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

}  // namespace

Result<Told, LinkError> ask_daemon(const std::string& socket, const std::string& method,
                                   const std::string& target, long seconds) {
  if (socket.size() >= sizeof(sockaddr_un::sun_path))
    return tl::unexpected(
        LinkError{LinkError::Kind::refused, "the path of the control socket is too long"});
  const std::unique_ptr<CURL, CurlEnd> curl(curl_easy_init());
  if (!curl) return tl::unexpected(LinkError{LinkError::Kind::refused, "out of memory"});
  Told told;
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
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT, seconds);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, on_bytes);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &told.body);
  if (const CURLcode code = curl_easy_perform(curl.get()); code != CURLE_OK)
    return tl::unexpected(explain(curl.get(), code, socket));
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  told.status = static_cast<int>(status);
  return told;
}

}  // namespace clasp::ctl
