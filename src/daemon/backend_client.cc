// Construction, routes and the life of call handles. See the header; backend_call.cc has the
// call itself.
#include "daemon/backend_client.h"

#include "base/log.h"
#include "daemon/backend_call.h"

namespace clasp::daemon {
namespace {

constexpr std::size_t kMaxRoutes = 256;

// "http://host/path" as a plain proxy wants to see it.
std::string absolute_form(const wire::Url& url) {
  return "http://" + url.authority() + url.target;
}

}  // namespace

// What the caller holds. The call itself may have to outlive it by the rest of a callback.
class BackendCallHandle final : public exchange::BackendCall {
 public:
  BackendCallHandle(BackendClient& client, std::unique_ptr<BackendCallImpl> call)
      : client_(client), call_(std::move(call)) {}
  ~BackendCallHandle() override {
    if (finishes_)
      client_.linger(std::move(call_));
    else
      client_.release(std::move(call_));
  }
  void pause() override { call_->pause(); }
  void resume() override { call_->resume(); }
  void let_finish() override { finishes_ = true; }

 private:
  BackendClient& client_;
  std::unique_ptr<BackendCallImpl> call_;
  bool finishes_ = false;
};

// A call whose caller is served: the rest of its answer is read and dropped, for a moment.
class LingeringCall final : public exchange::BackendEvents {
 public:
  static constexpr Duration kLonger{100};
  static constexpr std::size_t kMostBytes = 64 * 1024;

  LingeringCall(BackendClient& client, std::unique_ptr<BackendCallImpl> call)
      : client_(client), call_(std::move(call)) {
    call_->redirect(*this);
    call_->resume();
    timer_ = client_.scheduler_.after(kLonger, [this] { client_.end_linger(this); });
  }
  ~LingeringCall() override { client_.release(std::move(call_)); }
  void on_backend_head(int, wire::Headers) override {}
  void on_backend_body(std::string_view bytes) override {
    dropped_ += bytes.size();
    if (dropped_ > kMostBytes) client_.end_linger(this);
  }
  void on_backend_end() override { client_.end_linger(this); }
  void on_backend_failed(const exchange::BackendFailure&) override { client_.end_linger(this); }

 private:
  BackendClient& client_;
  std::unique_ptr<BackendCallImpl> call_;
  TimerHandle timer_;
  std::size_t dropped_ = 0;
};

BackendClient::BackendClient(event_base* base, Scheduler& scheduler, Resolver& resolver,
                             BackendClientOptions options)
    : base_(base),
      scheduler_(scheduler),
      proxies_(options.proxy),
      may_connect_(std::move(options.may_connect)),
      watch_(options.watch),
      names_(base, resolver),
      tls_(std::move(options.ca_file)),
      pool_(scheduler, options.pool) {}

BackendClient::~BackendClient() {
  lingering_.clear();
  if (counters_.active != 0) log_error("backend client destroyed before its calls; this is a bug");
}

std::unique_ptr<exchange::BackendCall> BackendClient::start(exchange::BackendRequest request,
                                                            exchange::BackendEvents& events) {
  auto call = std::make_unique<BackendCallImpl>(*this, std::move(request), events);
  ++counters_.active;
  call->begin();
  return std::make_unique<BackendCallHandle>(*this, std::move(call));
}

void BackendClient::release(std::unique_ptr<BackendCallImpl> call) {
  --counters_.active;
  call->cancel();
  if (call->is_busy()) released_ = std::move(call);
}

// Busy calls may linger too: this often happens inside the callback that brought the last event.
void BackendClient::linger(std::unique_ptr<BackendCallImpl> call) {
  if (!call->may_linger()) return release(std::move(call));
  lingering_.push_back(std::make_unique<LingeringCall>(*this, std::move(call)));
}

void BackendClient::end_linger(LingeringCall* call) {
  std::erase_if(lingering_, [call](const auto& one) { return one.get() == call; });
}

BackendCounters BackendClient::counters() const {
  BackendCounters now = counters_;
  now.lookups.set(names_.lookups());
  now.idle.set(pool_.size());
  return now;
}

char* BackendClient::scratch() {
  if (!scratch_) scratch_ = std::make_unique_for_overwrite<char[]>(kScratch);
  return scratch_.get();
}

Result<std::shared_ptr<const BackendRoute>> BackendClient::route(const std::string& text) {
  if (const auto known = routes_.find(text); known != routes_.end()) return known->second;
  auto url = wire::parse_url(text);
  if (!url) return tl::unexpected(url.error());
  auto proxy = proxies_.find(*url);
  if (!proxy) return tl::unexpected(proxy.error());
  auto route = std::make_shared<BackendRoute>();
  route->proxy = std::move(*proxy);
  route->authority = url->authority();
  route->origin = url->scheme + "://" + url->host_and_port();
  const bool is_plain_proxy = route->proxy && !url->is_https();
  route->target = is_plain_proxy ? absolute_form(*url) : url->target;
  if (is_plain_proxy) route->proxy_authorization = wire::render_proxy_authorization(*route->proxy);
  route->url = std::move(*url);
  if (routes_.size() >= kMaxRoutes) routes_.clear();
  routes_.emplace(text, route);
  return route;
}

}  // namespace clasp::daemon
