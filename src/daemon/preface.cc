// See preface.h.
#include "daemon/preface.h"

#include <sys/socket.h>

#include <cerrno>

#include "core/wire/proxy_header.h"
#include "daemon/error_text.h"

namespace clasp::daemon {
namespace {

// The first byte of every TLS connection: a record of the handshake.
constexpr char kHandshakeRecord = 0x16;

bool is_for_later(long got) {
  return got < 0 && (errno == EAGAIN || errno == EINTR);
}

}  // namespace

Preface::Preface(EngineConnection& link)
    : link_(link),
      wants_header_(link.entrance().listener.proxy_protocol),
      wants_tls_(link.entrance().tls != nullptr) {}

Preface::State Preface::advance() {
  if (wants_header_)
    if (const State state = read_proxy_header(); state != State::ready) return state;
  if (wants_tls_)
    if (const State state = start_tls(); state != State::ready) return state;
  if (!link_.has_tls()) return State::ready;
  const IoResult result = link_.handshake();
  if (result.status == IoStatus::done) return State::ready;
  if (result.status == IoStatus::want_read || result.status == IoStatus::want_write)
    return State::waiting;
  error_ = "TLS handshake: " + link_.tls_error();
  return State::refused;
}

bool Preface::is_trusted() const {
  const Entrance& entrance = link_.entrance();
  const auto peer = link_.peer();
  return peer ? is_in_any(entrance.trusted, peer->address) : entrance.trust_unix_sockets;
}

Preface::State Preface::refuse_header(const std::string& why) {
  misdirected_ = true;
  error_ = "PROXY protocol: " + why;
  return State::refused;
}

// Looks before it takes: what belongs to the header is taken, what comes after it stays in the
// socket, for TLS or HTTP.
Preface::State Preface::read_proxy_header() {
  if (header_.empty() && !is_trusted())
    return refuse_header("the peer is not among trusted_proxies");
  char bytes[wire::kMaxProxyHeader];
  const long seen = recv(link_.fd(), bytes, sizeof bytes - header_.size(), MSG_PEEK);
  if (is_for_later(seen)) return State::waiting;
  if (seen <= 0) return State::gone;
  const std::size_t before = header_.size();
  header_.append(bytes, static_cast<std::size_t>(seen));
  const wire::ProxyHeader header = wire::parse_proxy_header(header_);
  if (header.state == wire::ProxyHeader::State::refused) return refuse_header(header.reason);
  const bool complete = header.state == wire::ProxyHeader::State::complete;
  const std::size_t end = complete ? header.size : header_.size();
  if (recv(link_.fd(), bytes, end - before, 0) != static_cast<long>(end - before))
    return State::gone;
  header_.resize(end);
  if (!complete) return State::waiting;
  if (header.source) link_.set_peer(*header.source);
  wants_header_ = false;
  std::string().swap(header_);
  return State::ready;
}

Preface::State Preface::start_tls() {
  char first = 0;
  const long seen = recv(link_.fd(), &first, 1, MSG_PEEK);
  if (is_for_later(seen)) return State::waiting;
  if (seen <= 0) return State::gone;
  wants_tls_ = false;
  if (first != kHandshakeRecord && first >= 'A' && first <= 'Z') return State::plain_http;
  if (auto started = link_.start_tls(); !started) {
    error_ = started.error().message;
    return State::refused;
  }
  return State::ready;
}

}  // namespace clasp::daemon
