// See call_probe.h. A step ends where the next one begins; one that is not over when the call is
// given up has failed.
#include "daemon/call_probe.h"

#include <arpa/inet.h>
#include <sys/socket.h>

#include "daemon/demo_backend.h"
#include "daemon/resolver.h"

namespace clasp::daemon {

namespace {

using Kind = TestStep::Kind;

std::string render_address(const IpAddress& ip) {
  std::string text = ip.render(0);  // "1.2.3.4:0"
  return text.substr(0, text.rfind(':'));
}

std::string address_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  char text[INET6_ADDRSTRLEN] = "?";
  if (address.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
    inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
    return "[" + std::string(text) + "]:" + std::to_string(ntohs(v6.sin6_port));
  }
  const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
  inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
  return std::string(text) + ":" + std::to_string(ntohs(v4.sin_port));
}

}  // namespace

std::string_view step_name(Kind kind) {
  switch (kind) {
    case Kind::resolve:
      return "resolve";
    case Kind::connect:
      return "connect";
    case Kind::proxy:
      return "proxy";
    case Kind::tls:
      return "tls";
    case Kind::http:
      return "http";
    case Kind::answer:
      break;
  }
  return "answer";
}

// "https://host/v1/chat?x" -> "/v1/chat"
std::string path_of(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == url.npos) return {};
  const std::size_t slash = url.find('/', scheme + 3);
  if (slash == url.npos) return "/";
  return std::string(url.substr(slash, url.find_first_of("?#", slash) - slash));
}

// Between the exchange and the call: the events go on after they were written down.
class CallProbe::Call final : public exchange::BackendCall, private exchange::BackendEvents {
 public:
  Call(CallProbe& probe, exchange::BackendEvents& events) : probe_(probe), events_(events) {}
  void start(exchange::BackendRequest request) {
    call_ = probe_.port_->start(std::move(request), *this);
  }
  void pause() override { call_->pause(); }
  void resume() override { call_->resume(); }
  void let_finish() override { call_->let_finish(); }

 private:
  void on_backend_head(int status, wire::Headers headers) override {
    probe_.on_head(status, headers);
    events_.on_backend_head(status, std::move(headers));
  }
  void on_backend_body(std::string_view bytes) override { events_.on_backend_body(bytes); }
  void on_backend_end() override { events_.on_backend_end(); }
  void on_backend_failed(const exchange::BackendFailure& failure) override {
    probe_.on_failed(failure);
    events_.on_backend_failed(failure);
  }

  CallProbe& probe_;
  exchange::BackendEvents& events_;
  std::unique_ptr<exchange::BackendCall> call_;
};

std::unique_ptr<exchange::BackendCall> CallProbe::start(exchange::BackendRequest request,
                                                        exchange::BackendEvents& events) {
  steps_.clear();
  failure_.reset();
  status_ = 0;
  ++calls_;
  const bool network = !request.url.starts_with(kDemoUrl);
  https_ = request.url.starts_with("https:");
  path_ = path_of(request.url);
  begin(network ? Kind::resolve : Kind::http);
  auto call = std::make_unique<Call>(*this, events);
  call->start(std::move(request));
  return call;
}

void CallProbe::begin(Kind kind) {
  if (!steps_.empty() && !steps_.back().over) end(true);
  TestStep step;
  step.kind = kind;
  step.begun = scheduler_.now();
  if (kind == Kind::http) step.path = path_;
  steps_.push_back(std::move(step));
}

void CallProbe::end(bool good) {
  TestStep& step = steps_.back();
  step.over = true;
  step.good = good;
  step.us = (scheduler_.now() - step.begun).count();
}

void CallProbe::on_resolved(const std::string& host, const NameAnswer& answer) {
  // A connection that broke before a byte came is tried again, from the beginning.
  if (steps_.empty() || steps_.back().kind != Kind::resolve) {
    steps_.clear();
    begin(Kind::resolve);
  }
  TestStep& step = steps_.back();
  step.host = host;
  for (const IpAddress& ip : answer.addresses) step.addresses.push_back(render_address(ip));
  if (!answer.addresses.empty()) begin(Kind::connect);
}

void CallProbe::on_connected(int fd) {
  steps_.back().address = address_of(fd);
  begin(https_ ? Kind::tls : Kind::http);
}

void CallProbe::on_tunnel() {
  // What was taken for the beginning of TLS was the proxy's part.
  steps_.back().kind = Kind::proxy;
  begin(Kind::tls);
}

void CallProbe::on_handshake(const TlsSession& session, bool good) {
  steps_.back().tls = session.facts();
  if (good) begin(Kind::http);
}

void CallProbe::on_head(int status, const wire::Headers& headers) {
  status_ = status;
  TestStep& step = steps_.back();
  step.status = status;
  step.content_type = headers.get("content-type");
  end(status >= 200 && status <= 299);
}

void CallProbe::on_failed(const exchange::BackendFailure& failure) {
  failure_ = std::make_unique<exchange::BackendFailure>(failure);
  // A proxy that does not let the call through ends what was taken for the beginning of TLS.
  if (!steps_.empty() && steps_.back().kind == Kind::tls && failure.message.starts_with("proxy "))
    steps_.back().kind = Kind::proxy;
  if (!steps_.empty() && !steps_.back().over) end(false);
}

}  // namespace clasp::daemon
