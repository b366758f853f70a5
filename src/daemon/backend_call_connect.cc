// A call's way to a usable connection: name, addresses, proxy tunnel, TLS handshake. Each step ends
// in the next one or in fail().
#include <algorithm>

#include "core/wire/http_request.h"
#include "daemon/backend_call.h"

namespace clasp::daemon {
namespace {

using exchange::FailureKind;
using Parser = wire::HttpResponseParser;

}  // namespace

void BackendCallImpl::open_connection() {
  enter(State::resolving);
  const std::string& host = route_->proxy ? route_->proxy->host : route_->url.host;
  if (const auto known = client_.names_.try_now(host)) return connect_to(*known);
  auto query = client_.names_.ask(host, [this](const NameAnswer& answer) { connect_to(answer); });
  if (!query) return fail(FailureKind::name, "look up " + host + ": " + query.error().message);
  query_ = std::move(*query);
}

void BackendCallImpl::connect_to(const NameAnswer& answer) {
  query_.reset();
  const wire::Url& next = route_->proxy ? *route_->proxy : route_->url;
  if (client_.watch_ != nullptr) client_.watch_->on_resolved(next.host, answer);
  if (answer.addresses.empty())
    return fail(FailureKind::name, "look up " + next.host + ": " + answer.error);
  // One address that is not allowed is enough: what else such a host says is not to be trusted.
  if (client_.may_connect_ &&
      !std::all_of(answer.addresses.begin(), answer.addresses.end(), client_.may_connect_))
    return fail(FailureKind::forbidden, next.host + ": its address may not be called");
  enter(State::connecting);
  connector_ = std::make_unique<Connector>(client_.base_, client_.scheduler_, *this);
  connector_->start(answer.addresses, next.port, Duration(request_.timeouts.connect_ms));
}

void BackendCallImpl::on_connect_failed(const ConnectFailure& failure) {
  const wire::Url& next = route_->proxy ? *route_->proxy : route_->url;
  std::string message = route_->proxy ? "connect to proxy " : "connect to ";
  if (!wire::is_ip_literal(next.host)) message += next.host_and_port() + ": ";
  fail(failure.timed_out ? FailureKind::timeout : FailureKind::connect, message + failure.message);
}

void BackendCallImpl::on_connected(UniqueFd fd) {
  connector_.reset();
  ++client_.counters_.opened;
  if (client_.watch_ != nullptr) client_.watch_->on_connected(fd.get());
  transport_ = std::make_unique<Transport>(client_.base_, std::move(fd), *this);
  if (route_->needs_tunnel())
    start_tunnel();
  else if (route_->url.is_https())
    start_handshake();
  else
    start_exchange();
}

void BackendCallImpl::start_tunnel() {
  const std::string target = route_->url.host_and_port();
  const std::string authorization = wire::render_proxy_authorization(*route_->proxy);
  auto head = wire::render_request_head({"CONNECT", target, target, authorization, 0}, {});
  if (!head) return fail(FailureKind::protocol, head.error().message);
  head_ = std::move(*head);
  sent_ = 0;
  parser_ = Parser(Parser::Asked::connect);
  enter(State::tunnelling);
  transport_->want_read(true);
  write_some();
}

void BackendCallImpl::read_tunnel() {
  const std::string proxy = "proxy " + route_->proxy->host_and_port();
  char* const data = client_.scratch();
  const IoResult got = transport_->read(data, BackendClient::kScratch);
  if (got.status == IoStatus::want_read || got.status == IoStatus::want_write) return;
  if (got.status != IoStatus::done)
    return fail(FailureKind::connect, proxy + ": connection closed during CONNECT");
  const Parser::Step step = parser_.feed(data, got.bytes);
  if (parser_.fault() != Parser::Fault::none)
    return fail(FailureKind::protocol, proxy + ": " + parser_.message());
  if (!step.head) return;
  if (parser_.status() >= 300)
    return fail(FailureKind::connect, proxy + ": CONNECT " + peer() + ": refused with status " +
                                          std::to_string(parser_.status()));
  // A TLS server waits for the client's first word.
  if (step.consumed < got.bytes)
    return fail(FailureKind::protocol, proxy + ": bytes behind the answer to CONNECT");
  if (client_.watch_ != nullptr) client_.watch_->on_tunnel();
  start_handshake();
}

void BackendCallImpl::start_handshake() {
  auto session = client_.tls_.make_session(transport_->fd(), route_->url.host, route_->origin);
  if (!session) return fail(FailureKind::tls, session.error().message);
  transport_->start_tls(std::move(*session));
  enter(State::handshaking);
  drive_handshake();
}

void BackendCallImpl::drive_handshake() {
  const IoResult result = transport_->handshake();
  const bool waits = result.status == IoStatus::want_read || result.status == IoStatus::want_write;
  if (client_.watch_ != nullptr && !waits)
    client_.watch_->on_handshake(*transport_->tls(), result.status == IoStatus::done);
  if (result.status == IoStatus::done) return start_exchange();
  if (!waits) fail(FailureKind::tls, transport_->error());
}

}  // namespace clasp::daemon
