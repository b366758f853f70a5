// See body_log.h.
#include "core/exchange/body_log.h"

#include <algorithm>

#include "base/log_text.h"

namespace clasp::exchange {

namespace {

// A run of base64 that is longer is data of a picture or a file; this much of it is shown, which
// is enough to know the kind.
constexpr std::size_t kLongestRun = 512;
constexpr std::size_t kShownRun = 8;
// Looked at beyond what is shown, so that a secret at the cut is seen as a whole.
constexpr std::size_t kMargin = 1024;

bool is_base64(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '+' ||
         c == '/' || c == '-' || c == '_' || c == '=';
}

// The beginning of `bytes` with long runs of base64 shortened, until there is enough of it.
std::string shorten_data(std::string_view bytes, std::size_t enough) {
  std::string out;
  out.reserve(std::min(bytes.size(), enough));
  for (std::size_t i = 0; i < bytes.size() && out.size() < enough;) {
    std::size_t end = i;
    while (end < bytes.size() && is_base64(bytes[end])) ++end;
    if (end - i > kLongestRun) {
      out.append(bytes, i, kShownRun)
          .append("...(")
          .append(std::to_string(end - i))
          .append(" bytes of data)");
    } else {
      out.append(bytes, i, end - i);
    }
    if (end < bytes.size()) out.push_back(bytes[end++]);
    i = end;
  }
  return out;
}

}  // namespace

std::string render_body(std::string_view bytes, std::uint64_t whole, std::size_t limit,
                        const KnownSecrets& secrets) {
  std::string shown = shorten_data(bytes, limit + kMargin);
  // Where something is missing the end may be half of a secret, and what is shortened and masked
  // before it moves it towards what is shown.
  std::size_t hidden = 0;
  if (whole > bytes.size() || shown.size() >= limit + kMargin)
    hidden = std::min(kMargin, bytes.size() - std::min(bytes.size(), limit));
  secrets.mask(shown);
  shown = mask_secrets(shown);
  shown.resize(cut_utf8(shown, shown.size() - std::min(shown.size(), hidden)).size());
  const bool cut = shown.size() > limit || whole > bytes.size() || hidden > 0;
  std::string out;
  out.reserve(std::min(shown.size(), limit) + 32);
  append_escaped_text(out, shown, limit);
  if (cut) out.append("...(").append(std::to_string(whole)).append(" bytes)");
  return out;
}

std::unique_ptr<BodyLog> BodyLog::make(RecordSink& sink, const KnownSecrets& secrets,
                                       std::string_view request_id) {
  const bool requests = sink.wants_bodies(true);
  const bool responses = sink.wants_bodies(false);
  if (!requests && !responses) return nullptr;
  return std::unique_ptr<BodyLog>(new BodyLog(sink, secrets, request_id, requests, responses));
}

BodyLog::BodyLog(RecordSink& sink, const KnownSecrets& secrets, std::string_view request_id,
                 bool requests, bool responses)
    : sink_(sink),
      secrets_(secrets),
      request_id_(request_id),
      limit_(sink.body_bytes()),
      requests_(requests),
      responses_(responses) {}

void BodyLog::client_request(std::string_view body) {
  if (requests_) tell("client request", body, body.size());
}

void BodyLog::backend_request(std::string_view body) {
  if (requests_) tell("backend request", body, body.size());
}

void BodyLog::backend_answer(std::string_view part) {
  if (responses_) gather(backend_, part);
}

void BodyLog::client_answer(std::string_view part) {
  if (responses_) gather(client_, part);
}

void BodyLog::end_backend_answer() {
  tell("backend answer", backend_);
}

void BodyLog::end() {
  end_backend_answer();
  tell("client answer", client_);
}

void BodyLog::gather(Gathered& into, std::string_view part) {
  into.size += part.size();
  const std::size_t room = limit_ + kMargin - std::min(limit_ + kMargin, into.bytes.size());
  into.bytes.append(part.substr(0, room));
}

void BodyLog::tell(std::string_view what, Gathered& gathered) {
  if (gathered.size == 0) return;
  tell(what, gathered.bytes, gathered.size);
  gathered = {};
}

void BodyLog::tell(std::string_view what, std::string_view bytes, std::uint64_t size) {
  std::string text = render_body(bytes, size, limit_, secrets_);
  own_secrets_.mask(text);
  sink_.on_body(request_id_, what, text);
}

}  // namespace clasp::exchange
