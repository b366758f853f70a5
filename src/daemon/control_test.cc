// See control_test.h. What was found, as JSON; no text leaves with a key in it.
#include "daemon/control_test.h"

#include <algorithm>
#include <ctime>

#include "base/text.h"
#include "core/policy/ledger.h"
#include "daemon/backend_tester.h"

namespace clasp::daemon {

namespace {

constexpr std::uint64_t kUsualSeconds = 30, kMostSeconds = 600;

// Milliseconds, with a decimal where that is of interest.
json_t* milliseconds(std::int64_t us) {
  if (us >= 100'000) return json_integer(us / 1000);
  return json_real(static_cast<double>(us / 100) / 10);
}

std::string render_date(std::int64_t unix_seconds) {
  const std::time_t seconds = unix_seconds;
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[16];
  return {text, std::strftime(text, sizeof text, "%Y-%m-%d", &parts)};
}

class Writer {
 public:
  Writer(const ControlDesk& desk, const TestOrder& order) : desk_(desk), order_(order) {}

  json_t* step(const TestStep& step) const {
    json_t* out = json_object();
    set(out, "name", step_name(step.kind));
    set(out, "ok", json_boolean(step.good));
    set(out, "time_ms", milliseconds(step.us));
    if (!step.host.empty()) text(out, "host", step.host);
    if (!step.addresses.empty()) set(out, "addresses", text_array(step.addresses));
    if (!step.address.empty()) text(out, "address", step.address);
    if (step.kind == TestStep::Kind::tls) tls(out, step.tls);
    if (!step.path.empty()) text(out, "path", step.path);
    if (step.status != 0) set_count(out, "status", static_cast<std::uint64_t>(step.status));
    if (!step.content_type.empty()) text(out, "content_type", step.content_type);
    if (!step.cause.empty()) text(out, "cause", step.cause);
    if (!step.remedy.empty()) text(out, "remedy", step.remedy);
    return out;
  }

  json_t* test(const TestFindings& findings) const {
    const exchange::Record& record = findings.record;
    json_t* out = json_object();
    set(out, "mode", findings.stream ? "stream" : "plain");
    set(out, "passed", json_boolean(findings.passed));
    set(out, "timed_out", json_boolean(findings.timed_out));
    set(out, "request_id", record.request_id);
    set(out, "total_ms", milliseconds(record.total_us));
    set_count(out, "calls", static_cast<std::uint64_t>(findings.calls));
    json_t* steps = json_array();
    for (const TestStep& one : findings.steps) json_array_append_new(steps, step(one));
    set(out, "steps", steps);
    if (record.first_byte_us >= 0) set(out, "first_byte_ms", milliseconds(record.first_byte_us));
    if (record.first_content_us >= 0)
      set(out, "first_content_ms", milliseconds(record.first_content_us));
    for (const auto& [name, value] : {std::pair{"warnings", &record.warnings},
                                      {"repairs", &record.repairs},
                                      {"tolerated", &record.tolerated}})
      if (!value->empty()) text(out, name, *value);
    if (findings.passed) answer(out, findings);
    return out;
  }

  json_t* report(const TestReport& report, const policy::DeskStatus& books) const {
    const exchange::Backend& backend = order_.catalog->backends[report.backend];
    json_t* out = json_object();
    text(out, "backend", backend.settings.name);
    text(out, "provider", backend.settings.provider);
    if (!backend.settings.base_url.empty()) text(out, "base_url", backend.settings.base_url);
    set(out, "dialect", backend.settings.dialect);
    json_t* flags = json_object();
    for (const auto& [name, value] : backend.settings.flags) text(flags, name.c_str(), value);
    set(out, "flags", flags);
    text(out, "model", report.model);
    const auto status =
        std::find_if(books.backends.begin(), books.backends.end(),
                     [&backend](const auto& one) { return one.name == backend.settings.name; });
    if (status != books.backends.end()) {
      set(out, "admin", policy::admin_state_name(status->admin));
      if (order_.catalog->settings->breaker.enabled)
        set(out, "breaker", policy::breaker_state_name(status->breaker.state));
    }
    set(out, "passed", json_boolean(report.passed()));
    if (report.wants_client_key) set(out, "wants_client_key", json_true());
    if (!report.problem.empty()) text(out, "problem", report.problem);
    json_t* tests = json_array();
    for (const TestFindings& one : report.tests) json_array_append_new(tests, test(one));
    set(out, "tests", tests);
    return out;
  }

 private:
  void text(json_t* out, const char* name, std::string value) const {
    order_.catalog->secrets.mask(value);
    set(out, name, scrub_utf8(value));
  }

  void tls(json_t* out, const TlsFacts& facts) const {
    if (!facts.version.empty()) text(out, "version", facts.version);
    if (!facts.cipher.empty()) text(out, "cipher", facts.cipher);
    if (facts.expires == 0) return;
    text(out, "certificate",
         facts.subject.empty() && !facts.names.empty() ? facts.names.front() : facts.subject);
    std::vector<std::string> names;
    for (const std::string& name : facts.names) names.push_back(scrub_utf8(name));
    set(out, "certificate_names", text_array(names));
    text(out, "issuer", facts.issuer);
    set(out, "expires", render_date(facts.expires));
    const std::int64_t left = facts.expires - desk_.scheduler.unix_seconds();
    set(out, "expires_days", json_integer(left / 86'400 - (left < 0 ? 1 : 0)));
  }

  void answer(json_t* out, const TestFindings& findings) const {
    const exchange::Record& record = findings.record;
    text(out, "model_used", record.model_used);
    text(out, "stop_reason", record.stop_reason);
    set(out, "input_tokens", json_integer(record.input_tokens));
    set(out, "output_tokens", json_integer(record.output_tokens));
    set(out, "tokens_estimated", json_boolean(record.tokens_estimated));
    text(out, "text", findings.text);
    set_count(out, "text_bytes", findings.text_bytes);
    if (record.priced) set(out, "cost_usd", policy::render_usd(record.cost));
  }

  const ControlDesk& desk_;
  const TestOrder& order_;
};

void send_reports(ControlDesk& desk, const ControlReplyPtr& reply, const TestOrder& order,
                  const std::vector<TestReport>& reports) {
  const Writer writer(desk, order);
  const policy::DeskStatus books = desk.desk.snapshot(desk.scheduler.now());
  const auto timed_out = [](const TestReport& report) {
    return std::any_of(report.tests.begin(), report.tests.end(),
                       [](const auto& test) { return test.timed_out; });
  };
  const JsonPtr root(json_object());
  set(root.get(), "passed",
      json_boolean(std::all_of(reports.begin(), reports.end(),
                               [](const auto& one) { return one.passed(); })));
  set(root.get(), "timed_out",
      json_boolean(std::any_of(reports.begin(), reports.end(), timed_out)));
  json_t* list = json_array();
  for (const TestReport& one : reports) json_array_append_new(list, writer.report(one, books));
  set(root.get(), "backends", list);
  reply->send(200, root);
}

// Nothing: it was refused.
std::optional<TestOrder> read_order(ControlDesk& desk, ControlCall& call) {
  const auto value = [&call](std::string_view name) {
    return control::query_value(call.query, name);
  };
  TestOrder order;
  order.catalog = desk.deeds.catalog();
  order.given = desk.deeds.given();
  order.model = value("model");
  const auto refuse = [&call](const char* why) {
    call.reply->refuse(400, "bad_argument", why);
    return std::nullopt;
  };
  constexpr std::size_t kLongestModel = 256;
  if (order.model.size() > kLongestModel || order.model != scrub_utf8(order.model))
    return refuse("model must be the name of a model");
  const std::string only = value("only");
  if (!only.empty() && only != "plain" && only != "stream")
    return refuse("only must be plain or stream");
  order.plain = only != "stream";
  order.stream = only != "plain";
  const std::string text = value("seconds");
  const auto seconds =
      text.empty() ? std::optional<std::uint64_t>(kUsualSeconds) : parse_unsigned(text);
  if (!seconds || *seconds == 0 || *seconds > kMostSeconds)
    return refuse("seconds must be a number, 1 to 600");
  order.limit = std::chrono::seconds(static_cast<std::int64_t>(*seconds));
  const std::string name = value("backend");
  const auto& backends = order.catalog->backends;
  for (std::size_t i = 0; i < backends.size(); ++i)
    if (name.empty() || backends[i].settings.name == name) order.backends.push_back(i);
  if (!order.backends.empty()) return order;
  call.reply->refuse(
      404, "no_backend",
      "there is no backend " + scrub_utf8(name.substr(0, 100)) + "; claspctl backends lists them");
  return std::nullopt;
}

}  // namespace

void test_backends(ControlDesk& desk, ControlCall& call) {
  auto order = read_order(desk, call);
  if (!order) return;
  const bool begun = desk.tester.run(
      std::move(*order), [reply = call.reply] { return !reply->gone(); },
      [&desk, reply = call.reply](const TestOrder& done, const std::vector<TestReport>& reports) {
        send_reports(desk, reply, done, reports);
      });
  if (!begun)
    call.reply->refuse(429, "too_many", "as many tests as may run at once are running already");
}

}  // namespace clasp::daemon
