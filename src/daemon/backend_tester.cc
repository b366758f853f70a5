// See backend_tester.h.
#include "daemon/backend_tester.h"

#include <algorithm>

#include "core/policy/models.h"
#include "daemon/test_remedies.h"

namespace clasp::daemon {

namespace {

constexpr std::size_t kRunsAtOnce = 4;
constexpr std::size_t kLanes = 8;
constexpr Duration kListLimit{5'000};
constexpr Duration kLeast{100};
// As clients call what they want.
constexpr std::string_view kAsked = "claude-sonnet-4-5";

Resolver::Options fresh_lookups() {
  Resolver::Options options;
  options.positive_ttl = options.negative_ttl = std::chrono::milliseconds(0);
  return options;
}

// Always the same choice.
class NoRandom final : public Random {
 public:
  std::uint64_t next() override { return 0; }
};

bool may_be_about_model(int status) {
  return status == 400 || status == 404 || status == 422;
}

}  // namespace

bool TestReport::passed() const {
  if (!problem.empty() || tests.empty()) return false;
  return wants_client_key ||
         std::all_of(tests.begin(), tests.end(), [](const auto& one) { return one.passed; });
}

std::string usual_model(const exchange::Catalog& catalog, std::size_t backend) {
  const config::Settings& settings = *catalog.settings;
  const config::BackendSettings& own = settings.backends[backend];
  if (!own.model.empty()) return own.model;
  const config::RoutingSettings& routing = settings.routing;
  const auto named = [&own](const std::vector<config::RouteGroup>& groups) -> std::string {
    for (const config::RouteGroup& group : groups)
      for (const config::RouteTarget& target : group)
        if (target.backend == own.name && !target.model.empty()) return target.model;
    return {};
  };
  for (const config::RouteSettings& route : routing.routes)
    if (auto model = named(route.groups); !model.empty()) return model;
  for (const auto* groups : {&routing.sonnet, &routing.opus, &routing.haiku, &routing.fallbacks})
    if (auto model = named(*groups); !model.empty()) return model;
  const std::string mapped = policy::resolve_model(settings.models, own, kAsked);
  return mapped != kAsked ? mapped : std::string();
}

// One backend after the other, until none is left.
class BackendTester::Lane {
 public:
  Lane(BackendTester& owner, Run& run) : owner_(owner), run_(run) {}
  void next();
  bool idle() const { return idle_; }

 private:
  void begin();
  void fetch_models(std::function<void()> then);
  void test(bool stream);
  void on_findings(TestFindings findings);
  bool worth_a_stream(const TestFindings& findings) const;
  void finish();
  Duration left() const;
  const config::BackendSettings& settings() const;

  BackendTester& owner_;
  Run& run_;
  std::size_t at_ = 0;  // in the order's list
  TestReport report_;
  std::unique_ptr<BackendTest> test_;
  std::unique_ptr<ModelsFetch> fetch_;
  std::unique_ptr<DemoBackend> demo_;
  std::unique_ptr<BackendClient> network_;
  std::optional<ModelsAnswer> models_;
  bool idle_ = false;
};

struct BackendTester::Run {
  TestOrder order;
  std::function<bool()> wanted;
  std::function<void(const TestOrder&, std::vector<TestReport>)> done;
  TimePoint deadline{};
  std::size_t next = 0;
  std::vector<TestReport> reports;
  std::vector<std::unique_ptr<Lane>> lanes;
  bool over = false;
};

BackendTester::BackendTester(const std::function<TestParts(Resolver&)>& parts)
    : resolver_(fresh_lookups()), parts_(parts(resolver_)) {}

BackendTester::~BackendTester() = default;

bool BackendTester::run(TestOrder order, std::function<bool()> wanted,
                        std::function<void(const TestOrder&, std::vector<TestReport>)> done) {
  if (runs_.size() >= kRunsAtOnce) return false;
  auto run = std::make_unique<Run>();
  run->order = std::move(order);
  run->wanted = std::move(wanted);
  run->done = std::move(done);
  run->deadline = parts_.scheduler.now() + run->order.limit;
  run->reports.resize(run->order.backends.size());
  for (std::size_t i = 0; i < std::min(kLanes, run->order.backends.size()); ++i)
    run->lanes.push_back(std::make_unique<Lane>(*this, *run));
  Run& it = *run;
  runs_.push_back(std::move(run));
  for (const auto& lane : it.lanes) lane->next();
  return true;
}

// A lane has nothing to do any more.
void BackendTester::go_on(Run& run) {
  for (const auto& lane : run.lanes)
    if (!lane->idle()) return;
  run.over = true;
  sweep_ = parts_.scheduler.after(Duration{0}, [this] {
    std::vector<std::unique_ptr<Run>> ended;
    for (auto& one : runs_)
      if (one->over) ended.push_back(std::move(one));
    std::erase(runs_, nullptr);
    for (const auto& one : ended) one->done(one->order, std::move(one->reports));
  });
}

const config::BackendSettings& BackendTester::Lane::settings() const {
  return run_.order.catalog->settings->backends[report_.backend];
}

Duration BackendTester::Lane::left() const {
  return std::max(
      kLeast, std::chrono::duration_cast<Duration>(run_.deadline - owner_.parts_.scheduler.now()));
}

void BackendTester::Lane::next() {
  if (run_.next >= run_.order.backends.size() || !run_.wanted()) {
    idle_ = true;
    return owner_.go_on(run_);
  }
  at_ = run_.next++;
  report_ = {};
  models_.reset();
  report_.backend = run_.order.backends[at_];
  report_.model = run_.order.model;
  if (report_.model.empty()) report_.model = usual_model(*run_.order.catalog, report_.backend);
  if (report_.model.empty() && settings().provider == "demo") report_.model = "demo";
  if (!report_.model.empty()) return begin();
  // Clients say it themselves: any model that the backend has will do.
  fetch_models([this] {
    report_.model = models_->names.empty() ? std::string(kAsked) : models_->names.front();
    begin();
  });
}

void BackendTester::Lane::begin() {
  test(!run_.order.plain);
}

void BackendTester::Lane::fetch_models(std::function<void()> then) {
  const exchange::Catalog& catalog = *run_.order.catalog;
  demo_ = std::make_unique<DemoBackend>(owner_.parts_.scheduler);
  network_ = std::make_unique<BackendClient>(owner_.parts_.base, owner_.parts_.scheduler,
                                             owner_.parts_.resolver, owner_.parts_.options);
  fetch_ = std::make_unique<ModelsFetch>(owner_.parts_.scheduler,
                                         [this, then = std::move(then)](ModelsAnswer answer) {
                                           models_ = std::move(answer);
                                           const auto fetched = std::move(fetch_);
                                           const auto go = then;
                                           go();
                                         });
  fetch_->start(*network_,
                exchange::make_models_request(catalog, catalog.backends[report_.backend]),
                std::min(kListLimit, left()));
}

void BackendTester::Lane::test(bool stream) {
  auto catalog = make_test_catalog(*run_.order.catalog, report_.backend, report_.model);
  if (!catalog) {
    report_.problem = catalog.error().message;
    return finish();
  }
  test_ = std::make_unique<BackendTest>(
      owner_.parts_, std::move(*catalog), report_.model, stream, left(),
      [this](TestFindings findings) { on_findings(std::move(findings)); });
  test_->start();
}

void BackendTester::Lane::on_findings(TestFindings findings) {
  const auto ended = std::move(test_);
  report_.tests.push_back(std::move(findings));
  const TestFindings& last = report_.tests.back();
  const config::BackendSettings& own = settings();
  const int status = last.steps.empty() ? 0 : last.steps.back().status;
  report_.wants_client_key =
      own.pass_client_key && own.api_key.empty() && (status == 401 || status == 403);
  if (!last.stream && run_.order.stream && worth_a_stream(last)) return test(true);
  if (last.passed || report_.wants_client_key || models_ || !may_be_about_model(status) ||
      own.provider == "demo")
    return finish();
  fetch_models([this] { finish(); });
}

// Where there was no way to an answer there is none to a stream.
bool BackendTester::Lane::worth_a_stream(const TestFindings& findings) const {
  if (findings.passed) return true;
  if (findings.timed_out || findings.steps.empty()) return false;
  const TestStep& last = findings.steps.back();
  return last.kind == TestStep::Kind::answer || last.status == 400 || last.status >= 405;
}

void BackendTester::Lane::finish() {
  for (TestFindings& findings : report_.tests) {
    if (findings.passed || findings.steps.empty()) continue;
    TestStep& step = findings.steps.back();
    const exchange::Record& record = findings.record;
    step.cause = step.kind == TestStep::Kind::http || step.kind == TestStep::Kind::answer
                     ? record.error
                     : record.cause;
    if (findings.timed_out) step.cause = "not done when the test's time was over";
    if (step.cause.empty()) step.cause = record.cause;
    step.remedy = remedy_for({settings(), run_.order.given, step, report_.model, findings.failure,
                              findings.timed_out, models_ ? &*models_ : nullptr});
    if (report_.wants_client_key)
      step.remedy =
          "it takes its clients' own keys (pass_client_key), and this test has none: that it "
          "answers is all that can be seen from here";
  }
  run_.reports[at_] = std::move(report_);
  next();
}

}  // namespace clasp::daemon
