// The scenario language: one step a line, played in order; README.md beside the scenarios lists
// the steps. Expectations look at what the client has got so far, from where the last one matched.
#include "stage.h"

#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "../support/local_cache.h"
#include "../support/local_desk.h"
#include "base/text.h"
#include "core/exchange/span_json.h"

namespace clasp::test {

namespace {

class StageCall final : public exchange::BackendCall {
 public:
  explicit StageCall(StageBackend& owner) : owner_(owner) {}
  ~StageCall() override {
    if (owner_.events != nullptr && !owner_.finishing) ++owner_.cancelled;
    owner_.events = nullptr;
  }
  void pause() override { owner_.paused = true; }
  void resume() override { owner_.paused = false; }
  void let_finish() override { owner_.finishing = true; }

 private:
  StageBackend& owner_;
};

class StageMediaWork final : public exchange::MediaWork {
 public:
  StageMediaWork(StageMedia& owner, std::shared_ptr<StageMedia::Waiting> waiting)
      : owner_(owner), waiting_(std::move(waiting)) {}
  ~StageMediaWork() override { std::erase(owner_.running, waiting_); }

 private:
  StageMedia& owner_;
  std::shared_ptr<StageMedia::Waiting> waiting_;
};

class StageAdmission final : public exchange::Admission {
 public:
  explicit StageAdmission(std::string& settled) : settled_(settled) { settled_ = "-"; }
  ~StageAdmission() override {
    if (settled_ == "-") settled_ = "never";
  }
  bool has_headers() const override { return true; }
  void add_headers(wire::Headers& headers) const override {
    headers.add("anthropic-ratelimit-requests-remaining", "7");
  }
  void settle(std::uint64_t tokens) override { settled_ = std::to_string(tokens); }

 private:
  std::string& settled_;
};

// Of FakeScheduler, in Unix seconds.
constexpr std::int64_t kStageStart = 1'800'001'000;

using Problem = std::optional<std::string>;

// "NAME MEMBERS" as an event of the Messages API.
std::string event_of(const std::string& rest) {
  const std::size_t space = rest.find(' ');
  const std::string name = rest.substr(0, space);
  std::string data = "{\"type\":\"" + name + "\"";
  if (space != std::string::npos) data += "," + rest.substr(space + 1);
  return "event: " + name + "\ndata: " + data + "}\n\n";
}

std::string unescape(std::string_view text) {
  return decode_json_string(text);
}

class Stage {
 public:
  Problem step(const std::string& verb, const std::string& rest);
  Problem finish();

 private:
  Problem set(const std::string& rest);
  void set_rule(const std::string& pattern, std::istream& in);
  void set_keys(const std::string& first, std::istream& in);
  void add_backend(const std::string& rest);
  void add_price(const std::string& rest);
  Problem expect_cost(const std::string& rest);
  void add_fallback(const std::string& rest);
  Problem expect_breaker(const std::string& rest);
  Problem expect_cache(const std::string& rest);
  Problem request(const std::string& rest);
  Problem head(const std::string& rest);
  Problem feed(const std::string& bytes);
  Problem end_body();
  Problem break_off(const std::string& rest);
  Problem expect(const std::string& text);
  Problem expect_not(const std::string& text);
  Problem expect_events(const std::string& names);
  Problem leave(bool settle);
  Problem medium(const std::string& rest);
  template <class T>
  static Problem same(const char* what, const T& wanted, const T& got);

  config::Settings settings_ = make_settings();
  static config::Settings make_settings();
  FakeScheduler scheduler_;
  CountingRandom random_;
  translate::ReplyParser parser_;
  translate::SchemaCache schemas_;
  wire::ToolMemory tools_;
  exchange::Lessons lessons_;
  exchange::Calibration calibration_;
  exchange::States states_{{1 << 20, std::chrono::hours(1)}};
  StageMedia media_;
  StageRecords records_;
  bool limited_ = false;
  std::string settled_ = "-";  // tokens of the last request under limits
  std::size_t requests_ = 0;

  // One client with its exchange and the calls that this one makes.
  struct Actor {
    StageBackend backend;
    StageClient client;
    wire::Headers request_headers;
    std::size_t seen = 0;
    std::optional<exchange::Services> services;
    bool stalls = false;  // takes nothing of its next answer
    std::unique_ptr<exchange::Exchange> exchange;
  };
  StageBackend& backend() { return now_->backend; }
  StageClient& client() { return now_->client; }
  wire::Headers& request_headers() { return now_->request_headers; }
  std::size_t& seen() { return now_->seen; }
  std::unique_ptr<exchange::Exchange>& exchange() { return now_->exchange; }

  test::LocalDesk desk_{scheduler_, random_};
  test::LocalCache cache_{scheduler_};
  std::map<std::string, Actor> actors_;
  std::string name_;  // of the actor whose turn it is
  Actor* now_ = &actors_[name_];
};

config::Settings Stage::make_settings() {
  config::Settings settings;
  config::BackendSettings backend;
  backend.name = "stage";
  backend.provider = "custom";
  backend.dialect = "generic";
  backend.base_url = "http://stage.test/v1";
  settings.backends.push_back(backend);
  settings.retry.max_attempts = 1;  // scenarios about retries ask for more
  settings.queue.max_wait_ms = 600'000;
  return settings;
}

// NAME [DIALECT]: one more backend.
void Stage::add_backend(const std::string& rest) {
  std::istringstream in(rest);
  config::BackendSettings backend = settings_.backends.front();
  in >> backend.name;
  if (!(in >> backend.dialect)) backend.dialect = "generic";
  backend.base_url = "http://" + backend.name + ".test/v1";
  settings_.backends.push_back(backend);
}

// NAME [MODEL]: one more fallback.
void Stage::add_fallback(const std::string& rest) {
  std::istringstream in(rest);
  config::RouteTarget target;
  in >> target.backend >> target.model;
  settings_.routing.fallbacks.push_back({target});
}

Problem Stage::expect_breaker(const std::string& rest) {
  std::istringstream in(rest);
  std::string name, state;
  in >> name >> state;
  for (const policy::BackendStatus& one : desk_.desk.snapshot(scheduler_.now()).backends)
    if (one.name == name)
      return same("breaker", state, std::string(policy::breaker_state_name(one.breaker.state)));
  return "no backend " + name;
}

// ENTRIES HITS MISSES COALESCED.
Problem Stage::expect_cache(const std::string& rest) {
  const policy::CacheStats stats = cache_.desk.stats();
  std::ostringstream got;
  got << stats.entries << ' ' << stats.hits << ' ' << stats.misses << ' ' << stats.coalesced;
  return same("cache", rest, got.str());
}

template <class T>
Problem Stage::same(const char* what, const T& wanted, const T& got) {
  if (wanted == got) return std::nullopt;
  std::ostringstream text;
  text << what << ": wanted " << wanted << ", got " << got;
  return text.str();
}

Problem Stage::set(const std::string& rest) {
  std::istringstream in(rest);
  std::string name, value;
  in >> name >> value;
  const auto number = [&] { return static_cast<std::uint32_t>(std::stoul(value)); };
  const std::map<std::string, std::function<void()>> known = {
      {"dialect", [&] { settings_.backends[0].dialect = value; }},
      {"model", [&] { settings_.backends[0].model = value; }},
      {"base_url", [&] { settings_.backends[0].base_url = value; }},
      {"ping_ms", [&] { settings_.timeouts.ping_ms = std::stoll(value); }},
      {"answer_grace_ms", [&] { settings_.timeouts.answer_grace_ms = std::stoll(value); }},
      {"response_bytes", [&] { settings_.limits.response_bytes = std::stoull(value); }},
      {"media",
       [&] {
         media_.able = {value != "pdf_text", value != "fetch"};
       }},
      {"strict", [&] { settings_.strict = value == "true"; }},
      {"context_window", [&] { settings_.backends[0].context_window = std::stoll(value); }},
      {"unknown_models", [&] { settings_.models.refuse_unknown = value == "refuse"; }},
      {"policy_as_error", [&] { settings_.translation.policy_as_error = value == "true"; }},
      {"input_token_limits", [&] { settings_.translation.input_token_limits = value == "true"; }},
      {"rule", [&] { set_rule(value, in); }},
      {"total_ms", [&] { settings_.timeouts.total_ms = std::stoll(value); }},
      {"retry_attempts", [&] { settings_.retry.max_attempts = number(); }},
      {"queue", [&] { settings_.queue.enabled = value == "on"; }},
      {"queue_max_size", [&] { settings_.queue.max_size = number(); }},
      {"queue_max_wait_ms", [&] { settings_.queue.max_wait_ms = number(); }},
      {"queue_retry_delay_ms", [&] { settings_.queue.retry_delay_ms = number(); }},
      {"queue_max_retries", [&] { settings_.queue.max_retries = number(); }},
      {"breaker", [&] { settings_.breaker.enabled = value == "on"; }},
      {"breaker_threshold", [&] { settings_.breaker.threshold = number(); }},
      {"breaker_recovery", [&] { settings_.breaker.recovery = number(); }},
      {"breaker_timeout_ms", [&] { settings_.breaker.timeout_ms = number(); }},
      {"max_concurrency", [&] { settings_.backends[0].max_concurrency = number(); }},
      {"keys", [&] { set_keys(value, in); }},
      {"header",
       [&] {
         settings_.backends[0].extra_headers[value.substr(0, value.find('='))] =
             value.substr(value.find('=') + 1);
       }},
      {"forward", [&] { settings_.tracing.forward = value == "on"; }},
      {"otlp_url", [&] { settings_.tracing.otlp_url = value; }},
      {"debug",
       [&] {
         records_.requests = value != "responses";
         records_.answers = value != "requests";
       }},
      {"cache", [&] { settings_.cache.enabled = value == "on"; }},
      {"cache_streams", [&] { settings_.cache.streams = value == "on"; }},
      {"cache_per_client", [&] { settings_.cache.per_client = value == "on"; }},
      {"cache_coalesce", [&] { settings_.cache.coalesce = value == "on"; }},
      {"cache_unset_temperature", [&] { settings_.cache.unset_temperature = value == "on"; }},
      {"cache_ttl_ms", [&] { settings_.cache.ttl_ms = std::stoll(value); }},
      {"cache_max_bytes", [&] { settings_.cache.max_bytes = number(); }},
      {"pass_client_key", [&] { settings_.backends[0].pass_client_key = value == "on"; }},
  };
  const auto found = known.find(name);
  if (found == known.end()) return "unknown setting " + name;
  found->second();
  return std::nullopt;
}

// Of the first backend, the one after the other.
void Stage::set_keys(const std::string& first, std::istream& in) {
  settings_.backends[0].api_key = Secret(first);
  for (std::string more; in >> more;) settings_.backends[0].more_keys.emplace_back(more);
}

// PATTERN FLAG=VALUE…: a [model PATTERN] section.
void Stage::set_rule(const std::string& pattern, std::istream& in) {
  config::ModelRule rule;
  rule.name = rule.pattern = pattern;
  for (std::string pair; in >> pair;)
    rule.flags[pair.substr(0, pair.find('='))] = pair.substr(pair.find('=') + 1);
  settings_.models.rules.push_back(rule);
}

Problem Stage::request(const std::string& rest) {
  // A further request of the same client, over a new connection.
  exchange().reset();
  client() = {};
  client().stalled = std::exchange(now_->stalls, false);
  backend().finishing = backend().paused = false;
  seen() = 0;
  ++requests_;
  auto catalog = exchange::make_catalog(std::make_shared<const config::Settings>(settings_),
                                        desk_.desk.reconfigure(settings_, scheduler_.now()));
  if (!catalog) return catalog.error().message;
  cache_.configure(settings_.cache);
  exchange::RequestHead head;
  head.method = "POST";
  head.path = "/v1/messages";
  head.query = "beta=true";
  head.headers = request_headers();
  head.peer = "127.0.0.1:1";
  if (limited_) head.admission = std::make_shared<StageAdmission>(settled_);
  std::string body = rest;
  body.reserve(body.size() + exchange::kBodyPadding);
  now_->services.emplace(exchange::Services{scheduler_, random_, backend(), records_, parser_,
                                            schemas_, lessons_, states_, desk_, calibration_,
                                            &media_, &cache_, nullptr, nullptr, &tools_});
  exchange() = std::make_unique<exchange::Exchange>(*now_->services, *catalog, std::move(head),
                                                    std::move(body), "req_stage" + name_, client());
  exchange()->start();
  scheduler_.run_posted();
  return std::nullopt;
}

// PATTERN INPUT OUTPUT CACHE_READ CACHE_WRITE: pico-dollars per token.
void Stage::add_price(const std::string& rest) {
  std::istringstream in(rest);
  config::PriceRule rule;
  in >> rule.pattern >> rule.input >> rule.output >> rule.cache_read >> rule.cache_write;
  settings_.costs.prices.push_back(std::move(rule));
}

Problem Stage::expect_cost(const std::string& rest) {
  const exchange::Record& record = records_.records.back();
  return same("cost", rest, record.priced ? std::to_string(record.cost) : std::string("unknown"));
}

Problem Stage::head(const std::string& rest) {
  std::istringstream in(rest);
  int status = 0;
  std::string type, field;
  in >> status >> type;
  wire::Headers headers{{"content-type", type}};
  while (in >> field) {
    const std::size_t at = field.find('=');
    headers.add(field.substr(0, at), at == std::string::npos ? "" : field.substr(at + 1));
  }
  if (backend().events == nullptr) return "no call runs";
  backend().events->on_backend_head(status, headers);
  scheduler_.run_posted();
  return std::nullopt;
}

Problem Stage::feed(const std::string& bytes) {
  if (backend().events == nullptr) return "no call runs";
  backend().events->on_backend_body(bytes);
  scheduler_.run_posted();
  return std::nullopt;
}

Problem Stage::end_body() {
  if (backend().finishing) return std::nullopt;  // the rest of the body is nobody's any more
  if (backend().events == nullptr) return "no call runs";
  exchange::BackendEvents* events = std::exchange(backend().events, nullptr);
  events->on_backend_end();
  scheduler_.run_posted();
  return std::nullopt;
}

Problem Stage::break_off(const std::string& rest) {
  using exchange::FailureKind;
  static const std::map<std::string, FailureKind> kinds = {
      {"name", FailureKind::name},   {"connect", FailureKind::connect},
      {"tls", FailureKind::tls},     {"timeout", FailureKind::timeout},
      {"reset", FailureKind::reset}, {"protocol", FailureKind::protocol}};
  if (backend().events == nullptr) return "no call runs";
  const std::string kind = rest.substr(0, rest.find(' '));
  const auto found = kinds.find(kind);
  if (found == kinds.end()) return "unknown failure " + kind;
  exchange::BackendFailure failure;
  failure.kind = found->second;
  failure.message = rest.size() > kind.size() ? rest.substr(kind.size() + 1) : kind;
  std::exchange(backend().events, nullptr)->on_backend_failed(failure);
  scheduler_.run_posted();
  return std::nullopt;
}

Problem Stage::expect(const std::string& text) {
  const std::size_t at = client().received.find(text, seen());
  if (at == std::string::npos)
    return "the client did not get: " + text + "\n  but: " + client().received.substr(seen());
  seen() = at + text.size();
  return std::nullopt;
}

Problem Stage::expect_not(const std::string& text) {
  if (client().received.find(text, seen()) == std::string::npos) return std::nullopt;
  return "the client got: " + text;
}

Problem Stage::expect_events(const std::string& names) {
  std::string got;
  std::istringstream lines(client().received);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("event: ")) got += (got.empty() ? "" : " ") + line.substr(7);
  return same("events", names, got);
}

Problem Stage::leave(bool settle) {
  exchange()->on_client_gone();
  exchange().reset();
  if (settle) scheduler_.run_posted();
  return std::nullopt;
}

// "image BASE64", "text RAW", "scan" or "fail WORDS".
Problem Stage::medium(const std::string& rest) {
  using translate::Medium;
  if (media_.running.empty()) return "nothing is being prepared";
  const std::size_t space = std::min(rest.find(' '), rest.size());
  const std::string kind = rest.substr(0, space);
  std::string value = space < rest.size() ? rest.substr(space + 1) : "";
  Medium made;
  if (kind == "image") {
    made = {.state = Medium::State::ready, .raw = value, .media_type = "image/png"};
  } else if (kind == "text") {
    made = {.state = Medium::State::ready, .raw = value};
  } else if (kind == "scan") {
    made = {.state = Medium::State::no_text};
  } else if (kind == "fail") {
    made = {.problem = value};
  } else {
    return "unknown medium " + kind;
  }
  const auto done = media_.running.front()->done;
  done(std::make_shared<const Medium>(std::move(made)));
  scheduler_.run_posted();
  return std::nullopt;
}

Problem Stage::step(const std::string& verb, const std::string& rest) {
  // The latest one of this client.
  const auto record = [&]() -> exchange::Record {
    for (auto one = records_.records.rbegin(); one != records_.records.rend(); ++one)
      if (one->request_id == "req_stage" + name_) return *one;
    return {};
  };
  const std::map<std::string, std::function<Problem()>> steps = {
      {"set", [&] { return set(rest); }},
      {"backend", [&]() -> Problem { return add_backend(rest), std::nullopt; }},
      {"fallback", [&]() -> Problem { return add_fallback(rest), std::nullopt; }},
      {"client",
       [&]() -> Problem {
         now_ = &actors_[name_ = rest];
         return std::nullopt;
       }},
      {"drain",
       [&]() -> Problem {
         desk_.drain();
         scheduler_.run_posted();
         return std::nullopt;
       }},
      {"expect-queued",
       [&] { return same("queued", std::stoul(rest), desk_.desk.queue().size()); }},
      {"expect-cache", [&] { return expect_cache(rest); }},
      {"expect-cache-use",
       [&] {
         const std::string use(exchange::render_cache_use(record().cache));
         return same("cache", rest, use.empty() ? std::string("off") : use);
       }},
      {"expect-breaker", [&] { return expect_breaker(rest); }},
      {"expect-attempts", [&] { return same("attempts", std::stoi(rest), record().attempts); }},
      {"expect-url",
       [&]() -> Problem {
         const std::string url = backend().requests.empty() ? "" : backend().requests.back().url;
         if (url.starts_with(rest)) return std::nullopt;
         return "the last call went to " + url;
       }},
      {"header",
       [&]() -> Problem {
         const std::size_t at = rest.find(": ");
         request_headers().add(rest.substr(0, at), rest.substr(at + 2));
         return std::nullopt;
       }},
      {"no-headers",
       [&]() -> Problem {
         request_headers().clear();
         return std::nullopt;
       }},
      {"request", [&] { return request(rest); }},
      {"head", [&] { return head(rest); }},
      {"data", [&] { return feed("data: " + rest + "\n\n"); }},
      {"raw", [&] { return feed(unescape(rest)); }},
      {"event", [&] { return feed(event_of(rest)); }},
      {"end", [&] { return end_body(); }},
      {"break", [&] { return break_off(rest); }},
      {"advance",
       [&]() -> Problem {
         scheduler_.advance(Duration{std::stoll(rest)});
         return std::nullopt;
       }},
      {"stall",
       [&]() -> Problem {
         client().stalled = true;
         client().waiting = std::stoull(rest);
         return std::nullopt;
       }},
      {"stall-next", [&]() -> Problem { return now_->stalls = true, std::nullopt; }},
      {"drained",
       [&]() -> Problem {
         client().stalled = false;
         client().waiting = 0;
         exchange()->on_client_drained();
         return std::nullopt;
       }},
      {"leave", [&] { return leave(true); }},
      {"leave-at-once", [&] { return leave(false); }},
      {"settle",
       [&]() -> Problem {
         scheduler_.run_posted();
         return std::nullopt;
       }},
      {"medium", [&] { return medium(rest); }},
      {"expect-preparing",
       [&] { return same("preparing", std::stoul(rest), media_.running.size()); }},
      {"expect-prepared", [&] { return same("prepared", std::stoi(rest), media_.started); }},
      {"shutdown",
       [&]() -> Problem {
         exchange()->end_with(wire::make_error(wire::ErrorType::overloaded, "shutting down"));
         return std::nullopt;
       }},
      {"expect", [&] { return expect(unescape(rest)); }},
      {"expect-not", [&] { return expect_not(unescape(rest)); }},
      {"expect-events", [&] { return expect_events(rest); }},
      {"expect-status", [&] { return same("status", std::stoi(rest), client().status); }},
      {"expect-header",
       [&]() -> Problem {
         const std::size_t at = rest.find(": ");
         return same("header", rest.substr(at + 2),
                     std::string(client().headers.get(rest.substr(0, at))));
       }},
      {"expect-no-header",
       [&]() -> Problem {
         if (!client().headers.find(rest)) return std::nullopt;
         return "the client got " + rest + ": " + std::string(client().headers.get(rest));
       }},
      {"expect-upstream-id",
       [&] {
         return same("upstream id", rest == "-" ? std::string() : rest, record().upstream_id);
       }},
      {"expect-silence", [&] { return same("status", 0, client().status); }},
      {"expect-ended", [&] { return same("ended", true, client().ended); }},
      {"expect-open", [&] { return same("ended", false, client().ended); }},
      {"expect-writes", [&] { return same("writes", std::stoi(rest), client().writes); }},
      {"expect-calls", [&] { return same("calls", std::stoul(rest), backend().requests.size()); }},
      {"expect-call",
       [&]() -> Problem {
         if (backend().requests.empty()) return "the backend was not called";
         const std::string& body = backend().requests.back().body;
         if (body.find(rest) != std::string::npos) return std::nullopt;
         return "the backend did not get: " + rest + "\n  but: " + body;
       }},
      {"expect-call-not",
       [&]() -> Problem {
         if (backend().requests.empty()) return "the backend was not called";
         if (backend().requests.back().body.find(rest) == std::string::npos) return std::nullopt;
         return "the backend got: " + rest;
       }},
      {"expect-call-url", [&] { return same("url", rest, backend().requests.back().url); }},
      {"expect-call-header",
       [&]() -> Problem {
         const std::size_t at = rest.find(':');
         const std::string got(backend().requests.back().headers.get(rest.substr(0, at)));
         return same("header of the call", std::string(trim(rest.substr(at + 1))), got);
       }},
      {"expect-paused", [&] { return same("paused", true, backend().paused); }},
      {"expect-reading", [&] { return same("paused", false, backend().paused); }},
      {"expect-finishing", [&] { return same("finishing", true, backend().finishing); }},
      {"expect-cancelled", [&] { return same("cancelled", 1, backend().cancelled); }},
      {"expect-outcome",
       [&] {
         return same("outcome", rest, std::string(exchange::render_outcome(record().outcome)));
       }},
      {"price", [&]() -> Problem { return add_price(rest), std::nullopt; }},
      {"expect-cost", [&] { return expect_cost(rest); }},
      {"limited", [&]() -> Problem { return limited_ = true, std::nullopt; }},
      {"expect-settled", [&] { return same("settled", rest, settled_); }},
      {"expect-charged-after",
       [&] { return same("seconds", rest, std::to_string(record().ended - kStageStart)); }},
      {"expect-tokens",
       [&] {
         return same(
             "tokens", rest,
             std::to_string(record().input_tokens) + " " + std::to_string(record().output_tokens));
       }},
      {"expect-lessons",
       [&] { return same("lessons", rest, std::string(lessons_.empty() ? "none" : "some")); }},
      {"expect-repairs", [&] { return same("repairs", rest, record().repairs); }},
      {"expect-tolerated", [&] { return same("tolerated", rest, record().tolerated); }},
      {"expect-cause", [&] { return same("cause", rest, record().cause); }},
      {"expect-trace",
       [&] { return same("trace", rest == "-" ? std::string() : rest, record().trace_id); }},
      {"expect-logged",
       [&]() -> Problem {
         const std::size_t at = records_.logged.find(rest);
         if (at == std::string::npos) return "not logged: " + rest + "\n  but: " + records_.logged;
         records_.logged.erase(0, at + rest.size());
         return std::nullopt;
       }},
      {"expect-not-logged",
       [&]() -> Problem {
         if (records_.logged.find(rest) == std::string::npos) return std::nullopt;
         return "logged: " + records_.logged;
       }},
      {"expect-span",
       [&]() -> Problem {
         const std::string spans = exchange::render_spans(record(), 1'000'000'000'000);
         if (spans.find(rest) != std::string::npos || (rest == "-" && spans.empty()))
           return std::nullopt;
         return "the spans do not hold: " + rest + "\n  but: " + spans;
       }},
      {"expect-error", [&] { return same("error", rest, record().error); }},
  };
  const auto found = steps.find(verb);
  if (found == steps.end()) return "unknown step " + verb;
  return found->second();
}

// Every exchange is recorded exactly once, holds no timer afterwards and no call.
Problem Stage::finish() {
  for (auto& [name, actor] : actors_) actor.exchange.reset();
  if (auto problem = same("records", requests_, records_.records.size())) return problem;
  if (auto problem = same<std::size_t>("armed timers", 0, scheduler_.armed())) return problem;
  for (const auto& [name, actor] : actors_)
    if (actor.backend.events != nullptr) return "a backend call was left running";
  if (desk_.desk.snapshot(scheduler_.now()).permits != 0) return "a permit was not given back";
  if (!desk_.desk.queue().empty()) return "somebody still waits";
  if (!media_.running.empty()) return "media are still being prepared";
  return std::nullopt;
}

}  // namespace

std::unique_ptr<exchange::BackendCall> StageBackend::start(exchange::BackendRequest made,
                                                           exchange::BackendEvents& to) {
  requests.push_back(std::move(made));
  events = &to;
  return std::make_unique<StageCall>(*this);
}

exchange::MediaStart StageMedia::start(const translate::MediaNeed& need, Done done) {
  ++started;
  running.push_back(std::make_shared<Waiting>(Waiting{std::string(need.raw), std::move(done)}));
  return {nullptr, std::make_unique<StageMediaWork>(*this, running.back())};
}

std::optional<std::string> play_scenario(const std::string& path) {
  std::ifstream file(path);
  if (!file) return "cannot be read";
  Stage stage;
  int number = 0;
  for (std::string line; std::getline(file, line);) {
    ++number;
    if (line.empty() || line[0] == '#') continue;
    const std::size_t space = line.find(' ');
    const std::string verb = line.substr(0, space);
    const std::string rest = space == std::string::npos ? "" : line.substr(space + 1);
    if (auto problem = stage.step(verb, rest))
      return "line " + std::to_string(number) + " (" + verb + "): " + *problem;
  }
  return stage.finish();
}

}  // namespace clasp::test
