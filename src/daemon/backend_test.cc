// See backend_test.h.
#include "daemon/backend_test.h"

#include "base/text.h"
#include "daemon/json_tree.h"

namespace clasp::daemon {

namespace {

// What reasoning models think about it counts too.
constexpr int kMostTokens = 512;
constexpr const char* kQuestion = "This is a connection test. Reply with the one word: ready";
constexpr std::size_t kMostAnswer = 1u << 20;
constexpr std::size_t kShownText = 200;

std::string make_body(const std::string& model, bool stream) {
  const JsonPtr root(json_pack("{s:o, s:i, s:b, s:[{s:s, s:s}]}", "model", text_value(model),
                               "max_tokens", kMostTokens, "stream", stream ? 1 : 0, "messages",
                               "role", "user", "content", kQuestion));
  std::string body = dump_json(root);
  body.reserve(body.size() + exchange::kBodyPadding);
  return body;
}

std::string member(const json_t* object, const char* name) {
  const char* text = json_string_value(json_object_get(object, name));
  return text != nullptr ? text : "";
}

std::string text_of_message(std::string_view body) {
  const JsonPtr root(json_loadb(body.data(), body.size(), 0, nullptr));
  std::string text;
  std::size_t i = 0;
  json_t* block = nullptr;
  json_array_foreach(json_object_get(root.get(), "content"), i, block) text +=
      member(block, "text");
  return text;
}

std::string text_of_stream(std::string_view body) {
  std::string text;
  for (const std::string_view line : split(body, '\n')) {
    if (!line.starts_with("data: ")) continue;
    const JsonPtr event(json_loadb(line.data() + 6, line.size() - 6, 0, nullptr));
    text += member(json_object_get(event.get(), "delta"), "text");
  }
  return text;
}

}  // namespace

// ---- what stands around the exchange ------------------------------------------------------------

// The client: keeps the answer and tells when it is whole.
class BackendTest::Client final : public exchange::ClientStream {
 public:
  explicit Client(BackendTest& test) : test_(test) {}
  void answer(int, const wire::Headers&, std::string_view whole) override {
    write(whole);
    test_.on_over();
  }
  void begin(int, const wire::Headers&) override {}
  void write(std::string_view bytes) override {
    body.append(bytes.substr(0, kMostAnswer - std::min(kMostAnswer, body.size())));
  }
  void end() override { test_.on_over(); }
  void abort() override { test_.on_over(); }
  std::size_t pending() const override { return 0; }

  std::string body;

 private:
  BackendTest& test_;
};

// Everything is granted, nothing is tried twice.
class BackendTest::Desk final : public exchange::DeskPort {
 public:
  Result<policy::Permit, policy::Refusal> try_acquire(std::span<const policy::BackendId>,
                                                      bool) override {
    return policy::Permit{1, 0, 0};
  }
  void on_content(policy::PermitId) override {}
  void report(policy::PermitId, const policy::Outcome&) override {}
  policy::Decision decide(policy::PermitId, const policy::Outcome&, policy::Situation,
                          std::span<const policy::BackendId>) override {
    return {};
  }
  void release(policy::PermitId) override {}
  Result<policy::TicketId, policy::Refusal> enqueue(policy::TicketSpec,
                                                    exchange::TicketListener&) override {
    return tl::unexpected(policy::Refusal{policy::RefusalReason::queue_off, {}});
  }
  void leave(policy::TicketId) override {}
};

class BackendTest::Sink final : public exchange::RecordSink {
 public:
  Sink(exchange::RecordSink& next, exchange::Record& kept) : next_(next), kept_(kept) {}
  void on_record(const exchange::Record& record) override {
    kept_ = record;
    next_.on_record(record);
  }
  bool wants_bodies(bool request) const override { return next_.wants_bodies(request); }
  std::size_t body_bytes() const override { return next_.body_bytes(); }
  void on_body(std::string_view request_id, std::string_view what, std::string_view text) override {
    next_.on_body(request_id, what, text);
  }

 private:
  exchange::RecordSink& next_;
  exchange::Record& kept_;
};

// ---- the test -----------------------------------------------------------------------------------

namespace {

BackendClientOptions watched(BackendClientOptions options, ConnectionWatch& watch) {
  options.pool.idle_per_origin = 0;
  options.watch = &watch;
  return options;
}

}  // namespace

Result<exchange::CatalogPtr> make_test_catalog(const exchange::Catalog& catalog,
                                               std::size_t backend, const std::string& model) {
  auto settings = std::make_shared<config::Settings>(*catalog.settings);
  config::BackendSettings one = settings->backends[backend];
  one.model = model;
  // Nobody's key goes there but our own.
  one.pass_client_key = false;
  settings->backends = {std::move(one)};
  settings->routing = {};
  settings->auth = {};
  config::ModelSettings& models = settings->models;
  models.default_model = models.opus = models.sonnet = models.haiku = "";
  models.aliases.clear();
  models.refuse_unknown = false;
  settings->queue.enabled = false;
  settings->cache.enabled = false;
  settings->tracing = {};
  settings->tracing.forward = false;
  settings->timeouts.total_ms = 0;
  return exchange::make_catalog(std::move(settings), {1}, catalog.secrets);
}

BackendTest::BackendTest(const TestParts& parts, exchange::CatalogPtr catalog,
                         const std::string& model, bool stream, Duration limit,
                         std::function<void(TestFindings)> done)
    : parts_(parts),
      done_(std::move(done)),
      limit_(limit),
      probe_(parts.scheduler),
      demo_(parts.scheduler),
      network_(parts.base, parts.scheduler, parts.resolver, watched(parts.options, probe_)),
      backends_(demo_, network_),
      desk_(std::make_unique<Desk>()),
      sink_(std::make_unique<Sink>(parts.records, findings_.record)),
      client_(std::make_unique<Client>(*this)),
      services_(std::make_unique<exchange::Services>(exchange::Services{
          parts.scheduler, parts.random, probe_, *sink_, parser_, schemas_, parts.lessons,
          parts.states, *desk_, parts.calibration, nullptr, nullptr, nullptr})) {
  probe_.set_port(backends_);
  findings_.stream = stream;
  exchange::RequestHead head;
  head.method = "POST";
  head.path = "/v1/messages";
  head.peer = "control-test";
  head.headers.add("anthropic-version", "2023-06-01");
  exchange_ = std::make_unique<exchange::Exchange>(*services_, std::move(catalog), std::move(head),
                                                   make_body(model, stream),
                                                   make_id(parts.random, "req_"), *client_);
}

BackendTest::~BackendTest() = default;

void BackendTest::start() {
  begun_ = parts_.scheduler.now();
  limit_timer_ = parts_.scheduler.after(limit_, [this] { on_limit(); });
  exchange_->start();
}

void BackendTest::on_limit() {
  limit_timer_.reset();
  findings_.timed_out = true;
  exchange_->end_with(wire::make_error(wire::ErrorType::timeout, "the test's time is over"),
                      "the test's time is over");
  on_over();
}

// The exchange is in the middle of it: what it knows is asked for a turn later.
void BackendTest::on_over() {
  if (end_timer_) return;
  end_timer_ = parts_.scheduler.after(Duration{0}, [this] { conclude(); });
}

void BackendTest::conclude() {
  limit_timer_.reset();
  const exchange::Record& record = findings_.record;
  findings_.passed = record.outcome == exchange::Outcome::completed && !findings_.timed_out;
  findings_.calls = probe_.calls();
  findings_.steps = probe_.steps();
  if (probe_.failure()) findings_.failure = probe_.failure()->kind;
  const TimePoint now = parts_.scheduler.now();
  auto& steps = findings_.steps;
  if (!steps.empty() && !steps.back().over) {
    steps.back().over = true;
    steps.back().us = (now - steps.back().begun).count();
  } else if (steps.empty() || steps.back().good) {
    TestStep answer;
    answer.kind = TestStep::Kind::answer;
    answer.over = true;
    answer.good = findings_.passed;
    answer.begun =
        steps.empty() ? begun_ : steps.back().begun + std::chrono::microseconds(steps.back().us);
    answer.us = (now - answer.begun).count();
    steps.push_back(std::move(answer));
  }
  if (findings_.passed) {
    findings_.text =
        findings_.stream ? text_of_stream(client_->body) : text_of_message(client_->body);
    findings_.text_bytes = findings_.text.size();
    if (findings_.text.size() > kShownText) findings_.text.resize(kShownText);
    findings_.text = scrub_utf8(findings_.text);
  }
  exchange_.reset();
  const auto done = std::move(done_);
  done(std::move(findings_));
}

}  // namespace clasp::daemon
