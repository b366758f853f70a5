// See media_fetch.h.
#include "daemon/media_fetch.h"

#include "core/policy/fetch_rule.h"

namespace clasp::daemon {

namespace {

// Said in general words: what exactly an address answers is no business of who named it.
std::string describe(exchange::FailureKind kind) {
  using exchange::FailureKind;
  switch (kind) {
    case FailureKind::name:
      return "its server is not known";
    case FailureKind::forbidden:
      return "its server is not on the public Internet";
    case FailureKind::connect:
    case FailureKind::tls:
      return "its server cannot be reached";
    case FailureKind::timeout:
      return "its server did not answer in time";
    case FailureKind::reset:
    case FailureKind::protocol:
    case FailureKind::too_large:
      break;
  }
  return "its server broke off";
}

}  // namespace

MediaFetch::MediaFetch(exchange::BackendPort& network, Scheduler& scheduler, wire::Url url,
                       Done done)
    : network_(network), scheduler_(scheduler), url_(std::move(url)), done_(std::move(done)) {}

void MediaFetch::start() {
  deadline_ = scheduler_.after(kTime, [this] { finish("its server did not answer in time"); });
  call();
}

void MediaFetch::call() {
  exchange::BackendRequest request;
  request.method = "GET";
  request.url = policy::render_url(url_);
  request.headers.add("user-agent", "clasp/" CLASP_VERSION);
  request.headers.add("accept", "image/*, application/pdf");
  request.headers.add("accept-encoding", "identity");
  request.timeouts = {kTime.count(), kTime.count(), kTime.count(), kTime.count()};
  call_ = network_.start(std::move(request), *this);
}

void MediaFetch::on_backend_head(int status, wire::Headers headers) {
  policy::FetchStep step = policy::judge_fetch_head(url_, redirects_, status, headers);
  if (step.kind == policy::FetchStep::Kind::fail) return finish(std::move(step.problem));
  if (step.kind == policy::FetchStep::Kind::read) return;
  ++redirects_;
  url_ = std::move(step.next);
  call_.reset();
  call();
}

void MediaFetch::on_backend_body(std::string_view bytes) {
  if (bytes_.size() + bytes.size() > policy::kMostFetchedBytes)
    return finish("it is larger than 20 MB");
  bytes_.append(bytes);
}

void MediaFetch::on_backend_end() {
  finish({});
}

void MediaFetch::on_backend_failed(const exchange::BackendFailure& failure) {
  finish(describe(failure.kind));
}

// The last statement of everything that calls it: `this` may be gone afterwards.
void MediaFetch::finish(std::string problem) {
  deadline_.reset();
  call_.reset();
  if (!problem.empty()) bytes_.clear();
  const Done done = std::move(done_);
  done(std::move(bytes_), std::move(problem));
}

}  // namespace clasp::daemon
