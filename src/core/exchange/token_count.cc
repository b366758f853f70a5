// See token_count.h.
#include "core/exchange/token_count.h"

#include <algorithm>
#include <utility>

#include "core/translate/api_choice.h"

namespace clasp::exchange {

namespace {

// The backend's, and then our own.
constexpr Duration kMostTime{3000};
constexpr std::size_t kMostNumberBytes = 64 * 1024;
// An answer that lists the tokens, or that is the prompt. A longer one is estimated.
constexpr std::size_t kMostListBytes = 8 * 1024 * 1024;

bool is_unknown_path(int status) {
  return status == 404 || status == 405 || status == 501;
}

std::optional<CountCall> make_call(const Catalog& catalog, const Candidate& candidate,
                                   const wire::MessagesRequest& request,
                                   const translate::Target& target,
                                   const translate::RequestFacts& facts) {
  // A client's own key is for its own requests.
  if (candidate.backend->settings.pass_client_key) return std::nullopt;
  const auto step = translate::first_count_step(target);
  if (!step) return std::nullopt;
  auto body = translate::count_request(request, target, facts);
  if (!body) return std::nullopt;
  CountCall call{
      *step, "", target.dialect->count_input == translate::CountInput::llamacpp,
      make_backend_request(catalog, candidate, std::move(*body), false, Secret(), target.api)};
  call.api_url = call.request.url;
  return call;
}

constexpr std::string_view kNoVocabulary = "off";

}  // namespace

CountPlan make_count_plan(const Catalog& catalog, const Candidate& candidate,
                          const wire::MessagesRequest& request,
                          const translate::RequestFacts& facts) {
  CountPlan plan;
  // It counts its own way, and gets no translated request.
  if (candidate.facts->dialect.relay) return plan;
  translate::Target target = make_target(catalog, candidate);
  target.api = translate::choose_api(request, target);
  target.dialect = &candidate.facts->dialect_for(target.api);
  target.sent_name = candidate.backend->settings.azure_deployment;
  plan.call = make_call(catalog, candidate, request, target, facts);
  plan.vocabulary = catalog.settings->models.vocabulary;
  if (plan.vocabulary == kNoVocabulary || !translate::speaks_o200k(target.model)) return plan;
  // What the backend is asked with is the same prompt.
  if (plan.call)
    plan.prompt = translate::Prompt{target.api, plan.call->request.body};
  else
    plan.prompt = translate::make_prompt(request, target, facts);
  return plan;
}

bool may_count(const Catalog& catalog) {
  const auto counts = [](const Backend& backend) {
    return backend.facts->dialect.count_input != translate::CountInput::none;
  };
  const auto says_so = [](const auto& rule) { return rule.flags.contains("count_input"); };
  const auto& rules = catalog.settings->models.rules;
  return catalog.settings->models.vocabulary != kNoVocabulary ||
         std::any_of(catalog.backends.begin(), catalog.backends.end(), counts) ||
         std::any_of(rules.begin(), rules.end(), says_so);
}

bool TokenCount::start(CountPlan plan) {
  prompt_ = std::move(plan.prompt);
  vocabulary_ = std::move(plan.vocabulary);
  begun_ = scheduler_.now();
  if (!plan.call || !slow_.may_ask(plan.call->api_url, begun_)) return count_here();
  limit_ = scheduler_.after(kMostTime, [this] { give_up(); });
  asked_ = std::move(*plan.call);
  ask(asked_.step,
      asked_.in_steps ? asked_.request.body : std::exchange(asked_.request.body, std::string()));
  return true;
}

bool TokenCount::count_here() {
  if (!prompt_ || counter_ == nullptr) return false;
  translate::Prompt prompt = std::move(*prompt_);
  prompt_.reset();
  work_ = counter_->start(std::move(prompt), std::move(vocabulary_),
                          [this](std::optional<std::int64_t> tokens) { finish(tokens); });
  if (!work_) return false;
  limit_ = scheduler_.after(kMostTime, [this] { finish(std::nullopt); });
  return true;
}

// The backend's last word.
void TokenCount::on_told(bool counted) {
  const TimePoint now = scheduler_.now();
  slow_.on_end(asked_.api_url, counted, std::chrono::duration_cast<Duration>(now - begun_), now);
}

// The backend will not count.
void TokenCount::give_up() {
  on_told(false);
  limit_.reset();
  call_.reset();
  if (!count_here()) finish(std::nullopt);
}

void TokenCount::ask(translate::CountStep step, std::string body) {
  asked_.step = step;
  status_ = 0;
  body_.clear();
  BackendRequest request;
  request.url = translate::count_url(step, asked_.api_url);
  request.headers = asked_.request.headers;
  request.timeouts = asked_.request.timeouts;
  request.body = std::move(body);
  call_ = backend_.start(std::move(request), *this);
}

void TokenCount::on_client_gone() {
  limit_.reset();
  call_.reset();
  work_.reset();
  done_ = nullptr;
}

void TokenCount::finish(std::optional<std::int64_t> tokens) {
  limit_.reset();
  call_.reset();
  work_.reset();
  if (Done done = std::exchange(done_, nullptr)) done(tokens);
}

void TokenCount::on_backend_head(int status, wire::Headers) {
  status_ = status;
}

void TokenCount::on_backend_body(std::string_view bytes) {
  const bool number = asked_.step == translate::CountStep::input_tokens;
  if (body_.size() + bytes.size() > (number ? kMostNumberBytes : kMostListBytes)) return give_up();
  body_.append(bytes);
}

void TokenCount::on_backend_end() {
  if (take_next_step()) return;
  const auto tokens = status_ == 200 ? translate::counted_tokens(asked_.step, body_) : std::nullopt;
  if (!tokens) return give_up();
  on_told(true);
  finish(tokens);
}

// One more question to an old server; false when what has come must do.
bool TokenCount::take_next_step() {
  using translate::CountStep;
  if (!asked_.in_steps) return false;
  if (asked_.step == CountStep::input_tokens && is_unknown_path(status_)) {
    ask(CountStep::apply_template, std::exchange(asked_.request.body, std::string()));
    return true;
  }
  if (asked_.step != CountStep::apply_template || status_ != 200) return false;
  auto body = translate::tokenize_request(body_);
  if (!body) return false;
  ask(CountStep::tokenize, std::move(*body));
  return true;
}

void TokenCount::on_backend_failed(const BackendFailure&) {
  give_up();
}

}  // namespace clasp::exchange
