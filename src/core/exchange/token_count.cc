// See token_count.h.
#include "core/exchange/token_count.h"

#include <algorithm>
#include <utility>

#include "core/translate/api_choice.h"
#include "core/translate/count_request.h"

namespace clasp::exchange {

namespace {

constexpr Duration kMostTime{3000};
constexpr std::size_t kMostBytes = 64 * 1024;

}  // namespace

std::optional<BackendRequest> make_count_request(const Catalog& catalog, const Candidate& candidate,
                                                 const wire::MessagesRequest& request,
                                                 const translate::RequestFacts& facts) {
  // A client's own key is for its own requests.
  if (candidate.backend->settings.pass_client_key) return std::nullopt;
  translate::Target target = make_target(catalog, candidate);
  target.api = translate::choose_api(request, target);
  target.dialect = &candidate.facts->dialect_for(target.api);
  target.sent_name = candidate.backend->settings.azure_deployment;
  auto body = translate::count_request(request, target, facts);
  if (!body) return std::nullopt;
  BackendRequest call = make_backend_request(catalog, candidate, std::move(*body), false, Secret(),
                                             translate::Api::responses);
  call.url.insert(std::min(call.url.find('?'), call.url.size()), "/input_tokens");
  return call;
}

bool may_count(const Catalog& catalog) {
  const auto says_so = [](const auto& flags) { return flags.contains("count_input"); };
  const auto& settings = *catalog.settings;
  return std::any_of(settings.backends.begin(), settings.backends.end(),
                     [&](const auto& backend) { return says_so(backend.flags); }) ||
         std::any_of(settings.models.rules.begin(), settings.models.rules.end(),
                     [&](const auto& rule) { return says_so(rule.flags); });
}

void TokenCount::start(BackendRequest request) {
  limit_ = scheduler_.after(kMostTime, [this] { finish(std::nullopt); });
  call_ = backend_.start(std::move(request), *this);
}

void TokenCount::on_client_gone() {
  limit_.reset();
  call_.reset();
  done_ = nullptr;
}

void TokenCount::finish(std::optional<std::int64_t> tokens) {
  limit_.reset();
  call_.reset();
  if (Done done = std::exchange(done_, nullptr)) done(tokens);
}

void TokenCount::on_backend_head(int status, wire::Headers) {
  status_ = status;
}

void TokenCount::on_backend_body(std::string_view bytes) {
  if (body_.size() + bytes.size() > kMostBytes) return finish(std::nullopt);
  body_.append(bytes);
}

void TokenCount::on_backend_end() {
  finish(status_ == 200 ? translate::counted_tokens(body_) : std::nullopt);
}

void TokenCount::on_backend_failed(const BackendFailure&) {
  finish(std::nullopt);
}

}  // namespace clasp::exchange
