// See http_server.h.
#include "daemon/http_server.h"

#include <algorithm>
#include <ctime>
#include <utility>

#include "base/log.h"
#include "config/listen.h"
#include "daemon/gate.h"

namespace clasp::daemon {
namespace {

constexpr std::size_t kReadSize = 256u << 10;
// Above the limit this many connections more are told so; further ones are closed without a word.
constexpr std::size_t kRefusalSlots = 256;
// Of refused connections so many are logged in such a time.
constexpr std::uint32_t kRefusedLines = 5;
constexpr Duration kRefusedWindow{60'000};

wire::ErrorType type_of_status(int status) {
  switch (status) {
    case 408:
      return wire::ErrorType::timeout;
    case 413:
      return wire::ErrorType::request_too_large;
    case 500:
      return wire::ErrorType::api;
    case 529:
      return wire::ErrorType::overloaded;
    default:
      return wire::ErrorType::invalid_request;
  }
}

}  // namespace

HttpServer::HttpServer(event_base* base, HttpHandler& handler, const HttpLimits& limits,
                       Scheduler& scheduler, Random& random)
    : base_(base),
      handler_(handler),
      limits_(limits),
      scheduler_(scheduler),
      random_(random),
      read_buffer_(kReadSize),
      engine_(base, scheduler, *this) {}

HttpServer::~HttpServer() {
  for (const auto& gate : gates_) gate->shut_down();
}

Result<void> HttpServer::add_listener(UniqueFd listening_socket, EntrancePtr entrance,
                                      std::uint64_t id, bool shared) {
  return engine_.add_listener(std::move(listening_socket), std::move(entrance), id, shared);
}

Result<void> HttpServer::add_listener(UniqueFd listening_socket) {
  return add_listener(std::move(listening_socket), std::make_shared<const Entrance>());
}

void HttpServer::set_listeners(std::vector<OpenListener> listeners) {
  std::vector<std::uint64_t> ids;
  for (OpenListener& one : listeners) {
    ids.push_back(one.id);
    if (!one.fd) {
      engine_.set_entrance(one.id, one.entrance);
      continue;
    }
    if (auto added = engine_.add_listener(std::move(one.fd), one.entrance, one.id, one.shared);
        !added)
      log_error("a listener could not be added: " + added.error().message);
  }
  engine_.stop_listeners_but(ids);
}

void HttpServer::log_refused(const EngineConnection& link, const Preface& preface) {
  const LogLevel level = preface.is_misdirected() ? LogLevel::warn : LogLevel::debug;
  if (!log_enabled(level)) return;
  const TimePoint now = scheduler_.now();
  if (now - refused_since_ >= kRefusedWindow || refused_since_ == TimePoint{}) {
    if (refused_ > kRefusedLines)
      log(level, std::to_string(refused_ - kRefusedLines) + " more connections were refused");
    refused_since_ = now;
    refused_ = 0;
  }
  if (++refused_ > kRefusedLines) return;
  log(level, "connection from " + link.render_peer() + " to " +
                 config::render_listener(link.entrance().listener) +
                 " refused: " + preface.error());
}

void HttpServer::stop_accepting(const std::vector<std::uint64_t>& leave) {
  engine_.stop_accepting(leave);
}

// Gates take themselves out of the list while it is walked.
void HttpServer::drain(Duration patience) {
  draining_ = true;
  patience_ = patience;
  for (std::size_t i = gates_.size(); i-- > 0;)
    if (i < gates_.size()) gates_[i]->drain();
}

std::size_t HttpServer::connections() const {
  return gates_.size() - lingering_;
}

void HttpServer::on_accept(std::unique_ptr<EngineConnection> connection) {
  const bool keeps = limits_.reserved > 0;
  const bool precedence = !keeps || handler_.has_precedence(connection->peer_user());
  // Those who are told no must not take the place of those for whom some are kept.
  const std::size_t most =
      limits_.connections + kRefusalSlots - (precedence ? 0 : limits_.reserved);
  if (gates_.size() >= most) return;
  const std::size_t places = limits_.connections - (precedence ? 0 : limits_.reserved);
  const bool overloaded = gates_.size() - lingering_ >= places && !(keeps && make_room(precedence));
  auto gate = std::make_unique<Gate>(*this, std::move(connection));
  gate->precedence = precedence;
  gate->index = gates_.size();
  gates_.push_back(std::move(gate));
  ++counters_.accepted;
  counters_.open.set(gates_.size());
  gates_.back()->start(overloaded);
}

// True when somebody left who only kept a connection open. Those without precedence go first, and
// are all that one without it can displace.
bool HttpServer::make_room(bool precedence) {
  Gate* longest = nullptr;
  for (const auto& gate : gates_) {
    if (!gate->idle() || (gate->precedence && !precedence)) continue;
    if (longest != nullptr && longest->precedence != gate->precedence) {
      if (longest->precedence) longest = gate.get();
      continue;
    }
    if (longest == nullptr || gate->idle_since() < longest->idle_since()) longest = gate.get();
  }
  if (longest == nullptr) return false;
  const std::size_t before = gates_.size();
  longest->give_way();
  return gates_.size() < before;
}

HttpAnswer HttpServer::render_refusal(int status, std::string_view message) {
  handler_.on_refusal(status);
  wire::ApiError error = wire::make_error(type_of_status(status), std::string(message));
  error.status = status;
  HttpAnswer answer;
  answer.status = status;
  const std::string id = make_id(random_, "req_");
  answer.body = handler_.refusal_body(status, message);
  if (answer.body.empty()) answer.body = wire::render_error_body(error, id);
  answer.headers.add("content-type", "application/json");
  answer.headers.add("request-id", id);
  return answer;
}

std::string HttpServer::render_overload_answer() {
  const HttpAnswer answer = render_refusal(529, "too many connections; try again");
  std::string out = "HTTP/1.1 529 Overloaded\r\n";
  for (const auto& [name, value] : answer.headers)
    out.append(name).append(": ").append(value).append("\r\n");
  out.append("connection: close\r\ncontent-length: ").append(std::to_string(answer.body.size()));
  return out.append("\r\n\r\n").append(answer.body);
}

std::string_view HttpServer::date() {
  const std::int64_t now = scheduler_.unix_seconds();
  if (now == date_second_) return date_;
  date_second_ = now;
  const std::time_t seconds = now;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  date_.assign(text, std::strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts));
  return date_;
}

void HttpServer::touch(Gate& gate) {
  if (gate.touched || gate.closed()) return;
  gate.touched = true;
  touched_.push_back(&gate);
  post_turn_end();
}

void HttpServer::retire(Gate& gate) {
  const std::size_t index = gate.index;
  retired_.push_back(std::move(gates_[index]));
  if (index + 1 < gates_.size()) {
    gates_[index] = std::move(gates_.back());
    gates_[index]->index = index;
  }
  gates_.pop_back();
  counters_.open.set(gates_.size());
  post_turn_end();
}

void HttpServer::post_turn_end() {
  if (turn_end_posted_) return;
  turn_end_posted_ = true;
  scheduler_.post([this, alive = std::weak_ptr<char>(alive_)] {
    if (alive.lock()) end_turn();
  });
}

void HttpServer::end_turn() {
  turn_end_posted_ = false;
  flushing_.swap(touched_);
  for (Gate* gate : flushing_) gate->flush();
  flushing_.clear();
  // Retired gates may have been touched again while others were flushed.
  std::erase_if(touched_, [](const Gate* gate) { return gate->closed(); });
  const auto gone = std::exchange(retired_, {});
}

}  // namespace clasp::daemon
