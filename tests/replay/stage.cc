// The scenario language: one step a line, played in order; README.md beside the scenarios lists
// the steps. Expectations look at what the client has got so far, from where the last one matched.
#include "stage.h"

#include <fstream>
#include <functional>
#include <map>
#include <sstream>

#include "base/text.h"

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
  Problem request(const std::string& rest);
  Problem head(const std::string& rest);
  Problem feed(const std::string& bytes);
  Problem end_body();
  Problem break_off(const std::string& rest);
  Problem expect(const std::string& text);
  Problem expect_not(const std::string& text);
  Problem expect_events(const std::string& names);
  Problem leave();
  Problem medium(const std::string& rest);
  template <class T>
  static Problem same(const char* what, const T& wanted, const T& got);

  config::Settings settings_ = make_settings();
  static config::Settings make_settings();
  FakeScheduler scheduler_;
  CountingRandom random_;
  translate::ReplyParser parser_;
  translate::SchemaCache schemas_;
  exchange::Lessons lessons_;
  exchange::States states_{{1 << 20, std::chrono::hours(1)}};
  StageBackend backend_;
  StageMedia media_;
  StageRecords records_;
  StageClient client_;
  wire::Headers request_headers_;
  std::size_t seen_ = 0;
  std::size_t requests_ = 0;
  std::unique_ptr<exchange::Exchange> exchange_;
};

config::Settings Stage::make_settings() {
  config::Settings settings;
  config::BackendSettings backend;
  backend.name = "stage";
  backend.provider = "custom";
  backend.dialect = "generic";
  backend.base_url = "http://stage.test/v1";
  settings.backends.push_back(backend);
  return settings;
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
  };
  const auto found = known.find(name);
  if (found == known.end()) return "unknown setting " + name;
  found->second();
  return std::nullopt;
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
  exchange_.reset();
  client_ = {};
  backend_.finishing = backend_.paused = false;
  seen_ = 0;
  ++requests_;
  auto catalog = exchange::make_catalog(std::make_shared<const config::Settings>(settings_));
  if (!catalog) return catalog.error().message;
  exchange::RequestHead head;
  head.method = "POST";
  head.path = "/v1/messages";
  head.query = "beta=true";
  head.headers = request_headers_;
  head.peer = "127.0.0.1:1";
  std::string body = rest;
  body.reserve(body.size() + exchange::kBodyPadding);
  exchange_ = std::make_unique<exchange::Exchange>(
      exchange::Services{scheduler_, random_, backend_, records_, parser_, schemas_, lessons_,
                         states_, &media_},
      *catalog, std::move(head), std::move(body), "req_stage", client_);
  exchange_->start();
  scheduler_.run_posted();
  return std::nullopt;
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
  if (backend_.events == nullptr) return "no call runs";
  backend_.events->on_backend_head(status, headers);
  scheduler_.run_posted();
  return std::nullopt;
}

Problem Stage::feed(const std::string& bytes) {
  if (backend_.events == nullptr) return "no call runs";
  backend_.events->on_backend_body(bytes);
  scheduler_.run_posted();
  return std::nullopt;
}

Problem Stage::end_body() {
  if (backend_.finishing) return std::nullopt;  // the rest of the body is nobody's any more
  if (backend_.events == nullptr) return "no call runs";
  exchange::BackendEvents* events = std::exchange(backend_.events, nullptr);
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
  if (backend_.events == nullptr) return "no call runs";
  const std::string kind = rest.substr(0, rest.find(' '));
  const auto found = kinds.find(kind);
  if (found == kinds.end()) return "unknown failure " + kind;
  exchange::BackendFailure failure;
  failure.kind = found->second;
  failure.message = rest.size() > kind.size() ? rest.substr(kind.size() + 1) : kind;
  std::exchange(backend_.events, nullptr)->on_backend_failed(failure);
  scheduler_.run_posted();
  return std::nullopt;
}

Problem Stage::expect(const std::string& text) {
  const std::size_t at = client_.received.find(text, seen_);
  if (at == std::string::npos)
    return "the client did not get: " + text + "\n  but: " + client_.received.substr(seen_);
  seen_ = at + text.size();
  return std::nullopt;
}

Problem Stage::expect_not(const std::string& text) {
  if (client_.received.find(text, seen_) == std::string::npos) return std::nullopt;
  return "the client got: " + text;
}

Problem Stage::expect_events(const std::string& names) {
  std::string got;
  std::istringstream lines(client_.received);
  for (std::string line; std::getline(lines, line);)
    if (line.starts_with("event: ")) got += (got.empty() ? "" : " ") + line.substr(7);
  return same("events", names, got);
}

Problem Stage::leave() {
  exchange_->on_client_gone();
  exchange_.reset();
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
  const auto record = [&]() -> exchange::Record {
    return records_.records.empty() ? exchange::Record{} : records_.records.back();
  };
  const std::map<std::string, std::function<Problem()>> steps = {
      {"set", [&] { return set(rest); }},
      {"header",
       [&]() -> Problem {
         const std::size_t at = rest.find(": ");
         request_headers_.add(rest.substr(0, at), rest.substr(at + 2));
         return std::nullopt;
       }},
      {"no-headers",
       [&]() -> Problem {
         request_headers_.clear();
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
         client_.stalled = true;
         client_.waiting = std::stoull(rest);
         return std::nullopt;
       }},
      {"drained",
       [&]() -> Problem {
         client_.stalled = false;
         client_.waiting = 0;
         exchange_->on_client_drained();
         return std::nullopt;
       }},
      {"leave", [&] { return leave(); }},
      {"medium", [&] { return medium(rest); }},
      {"expect-preparing",
       [&] { return same("preparing", std::stoul(rest), media_.running.size()); }},
      {"expect-prepared", [&] { return same("prepared", std::stoi(rest), media_.started); }},
      {"shutdown",
       [&]() -> Problem {
         exchange_->end_with(wire::make_error(wire::ErrorType::overloaded, "shutting down"));
         return std::nullopt;
       }},
      {"expect", [&] { return expect(unescape(rest)); }},
      {"expect-not", [&] { return expect_not(unescape(rest)); }},
      {"expect-events", [&] { return expect_events(rest); }},
      {"expect-status", [&] { return same("status", std::stoi(rest), client_.status); }},
      {"expect-header",
       [&]() -> Problem {
         const std::size_t at = rest.find(": ");
         return same("header", rest.substr(at + 2),
                     std::string(client_.headers.get(rest.substr(0, at))));
       }},
      {"expect-silence", [&] { return same("status", 0, client_.status); }},
      {"expect-ended", [&] { return same("ended", true, client_.ended); }},
      {"expect-open", [&] { return same("ended", false, client_.ended); }},
      {"expect-writes", [&] { return same("writes", std::stoi(rest), client_.writes); }},
      {"expect-calls", [&] { return same("calls", std::stoul(rest), backend_.requests.size()); }},
      {"expect-call",
       [&]() -> Problem {
         if (backend_.requests.empty()) return "the backend was not called";
         const std::string& body = backend_.requests.back().body;
         if (body.find(rest) != std::string::npos) return std::nullopt;
         return "the backend did not get: " + rest + "\n  but: " + body;
       }},
      {"expect-call-not",
       [&]() -> Problem {
         if (backend_.requests.empty()) return "the backend was not called";
         if (backend_.requests.back().body.find(rest) == std::string::npos) return std::nullopt;
         return "the backend got: " + rest;
       }},
      {"expect-call-url", [&] { return same("url", rest, backend_.requests.back().url); }},
      {"expect-call-header",
       [&]() -> Problem {
         const std::size_t at = rest.find(':');
         const std::string got(backend_.requests.back().headers.get(rest.substr(0, at)));
         return same("header of the call", std::string(trim(rest.substr(at + 1))), got);
       }},
      {"expect-paused", [&] { return same("paused", true, backend_.paused); }},
      {"expect-reading", [&] { return same("paused", false, backend_.paused); }},
      {"expect-finishing", [&] { return same("finishing", true, backend_.finishing); }},
      {"expect-cancelled", [&] { return same("cancelled", 1, backend_.cancelled); }},
      {"expect-outcome",
       [&] {
         return same("outcome", rest, std::string(exchange::render_outcome(record().outcome)));
       }},
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
      {"expect-error", [&] { return same("error", rest, record().error); }},
  };
  const auto found = steps.find(verb);
  if (found == steps.end()) return "unknown step " + verb;
  return found->second();
}

// Every exchange is recorded exactly once, holds no timer afterwards and no call.
Problem Stage::finish() {
  exchange_.reset();
  if (auto problem = same("records", requests_, records_.records.size())) return problem;
  if (auto problem = same<std::size_t>("armed timers", 0, scheduler_.armed())) return problem;
  if (backend_.events != nullptr) return "the backend call was left running";
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
