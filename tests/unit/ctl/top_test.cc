// claspctl top: what is computed, what is seen, and what keys do.
#include <doctest/doctest.h>

#include <algorithm>

#include "base/text.h"
#include "ctl/top_app.h"
#include "ctl/top_data.h"
#include "ctl/top_tables.h"
#include "ctl/top_view.h"
#include "ctl/width.h"

using namespace clasp;
using namespace clasp::ctl;

namespace {

// An answer of GET /v1/top after so many milliseconds and requests.
std::string answer(int uptime_ms, int requests, int pid = 7, const std::string& more = "") {
  const std::string count = std::to_string(requests), twice = std::to_string(2 * requests);
  return R"({"state":"healthy","version":"1.2.3","pid":)" + std::to_string(pid) +
         R"(,"uptime_ms":)" + std::to_string(uptime_ms) +
         R"(,"workers":2,"resident_bytes":14000000,"requests":{"total":)" + count +
         R"(,"failed":)" + std::to_string(requests / 10) +
         R"(,"in_flight":3,"open_streams":1},"tokens":{"input":)" + twice + R"(,"output":)" +
         count +
         R"(},"cost_usd":"1.250000","latency_limits_ms":[10,100,1000],"latency_counts":[0,)" +
         count + "," + count + R"(,0],"first_content_limits_ms":[10],"first_content_counts":[)" +
         count + R"(,0],"queue":{"waiting":2,"max_size":100,"longest_wait_ms":1500},"backends":[)" +
         R"({"name":"zeta","state":"healthy","admin":"enabled","circuit_breaker":{"state":"closed"},)" +
         R"("in_flight":1,"max_concurrency":9,"attempts":)" + count +
         R"(,"failures":{},"output_tokens":0,"latency_counts":[0,0,0,0]},)" +
         R"({"name":"alpha","state":"down","admin":"enabled","in_flight":2,"attempts":)" + twice +
         R"(,"failures":{"connect":)" + count +
         R"(},"output_tokens":0,"latency_counts":[0,0,0,0]}],"clients":[{"in_flight":1,"completed":4},)" +
         R"({"name":"ann","in_flight":2,"completed":)" + count +
         R"(,"cost_usd":"0.500000"}],"exchanges":[{"id":"req_1","client":"1.2.3.4:5","model":"模型-a",)" +
         R"("backend":"zeta","phase":"answering","stream":true,"age_ms":61000,"bytes_out":2048}])" +
         more + "}";
}

JsonPtr parsed(const std::string& text) {
  JsonPtr root = parse_json(text);
  REQUIRE(root);
  return root;
}

TopData sample() {
  return measure(parsed(answer(10'000, 100)).get(), parsed(answer(12'000, 140)).get());
}

std::string join_lines(const std::vector<std::string>& lines) {
  std::string out;
  for (const std::string& line : lines) out.append(line).append("\n");
  return out;
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

void check_size(const std::vector<std::string>& lines, TopSize size) {
  CHECK(lines.size() <= size.rows);
  for (const std::string& line : lines) CHECK_MESSAGE(width_of(line) <= size.columns, line);
}

Result<Told, LinkError> good(const std::string& body) {
  return Told{200, body};
}

Result<Told, LinkError> bad(LinkError::Kind kind) {
  return tl::unexpected(LinkError{kind, "no permission"});
}

}  // namespace

TEST_CASE("rates are differences of two answers, latencies those of what ended between them") {
  const TopData data = sample();
  CHECK(data.seconds == 2);
  CHECK(*data.requests == 20);
  CHECK(*data.failed == 2);
  CHECK(*data.tokens_in == 40);
  CHECK(*data.tokens_out == 20);
  // 40 between 10 and 100 ms, 40 between 100 and 1000 ms.
  CHECK(*data.p50 == doctest::Approx(100));
  CHECK(*data.p95 == doctest::Approx(910));
  CHECK(*data.first_p50 == doctest::Approx(5));
  REQUIRE(data.backends.size() == 2);
  CHECK(*data.backends[0].requests == 20);
  CHECK(*data.backends[1].failed == 20);
  CHECK(data.backends[1].breaker == "off");
  CHECK(*data.clients[1].requests == 20);
  CHECK_FALSE(data.backends[0].p50);
}

TEST_CASE("one answer has no rates, nor have two runs of the daemon, nor does a count fall") {
  const JsonPtr now = parsed(answer(12'000, 140));
  CHECK_FALSE(measure(nullptr, now.get()).requests);
  CHECK_FALSE(measure(parsed(answer(99'000, 100)).get(), now.get()).requests);
  CHECK_FALSE(measure(parsed(answer(10'000, 100, 8)).get(), now.get()).p50);
  CHECK(*measure(parsed(answer(10'000, 900)).get(), now.get()).requests == 0);
  CHECK_FALSE(is_later(nullptr, now.get()));
}

TEST_CASE("answers of any shape are measured and shown without a fault") {
  for (const char* body :
       {"{}", R"({"backends":3,"clients":[3,{}],"exchanges":{}})",
        R"({"backends":[{"latency_counts":[1,2,3]},null],"latency_limits_ms":["x"],"uptime_ms":5})",
        R"({"requests":[],"queue":[],"uptime_ms":-1,"latency_counts":[-5,9223372036854775807]})"}) {
    const JsonPtr before = parsed(R"({"uptime_ms":1})"), now = parsed(body);
    const TopData data = measure(before.get(), now.get());
    check_size(render_top(data, {}, {80, 24}, {}), {80, 24});
    CHECK(parse_json(render_top_json(data, 1)));
  }
}

TEST_CASE("as JSON the members are always there; what is unknown is null") {
  const JsonPtr one = parsed(render_top_json(measure(nullptr, parsed(answer(1, 0)).get()), 17));
  for (const char* name :
       {"requests_per_second", "failed_per_second", "p50_ms", "p95_ms", "first_content_p50_ms"})
    CHECK_MESSAGE(json_is_null(json_object_get(one.get(), name)), name);
  CHECK(number_of(one.get(), "time") == 17);
  CHECK(number_of(one.get(), "interval_ms") == 0);
  const JsonPtr two = parsed(render_top_json(sample(), 17));
  CHECK(json_object_size(one.get()) == json_object_size(two.get()));
  CHECK(json_number_value(json_object_get(two.get(), "requests_per_second")) == 20);
}

TEST_CASE("the picture at 80x24 has everything that matters") {
  const auto lines = render_top(sample(), {}, {80, 24}, {});
  check_size(lines, {80, 24});
  CHECK(lines.size() == 24);
  const std::string text = join_lines(lines);
  CHECK(lines[0].starts_with("clasp 1.2.3  healthy  up 12s  pid 7  2 workers  13.4 MB"));
  CHECK(lines[0].ends_with("every 2s"));
  CHECK(lines[1] ==
        "in flight 3 (1 stream)  requests 20/s  failed 2.0/s  queue 2/100, longest 1.5s");
  CHECK(has(lines[2], "latency p50 100ms p95 910ms"));
  CHECK(
      has(text,
          "\nzeta          healthy   closed         1/9     20       0       -       -      0\n"));
  CHECK(has(text, "\nann "));
  CHECK(has(text, "\n(without a name) "));
  CHECK(has(text, "\n模型-a           61.0s  1.2.3.4:5  zeta     answering    2.0 KB  req_1\n"));
  CHECK(lines.back().starts_with("q quit  h help"));
}

TEST_CASE("the picture fits every size, and says how much it hides") {
  std::string more = R"(,"exchanges_left_out":900)";
  const TopData data = measure(nullptr, parsed(answer(12'000, 140, 7, more)).get());
  TopChoice choice;
  for (int view = 0; view < kTopViews; ++view)
    for (const bool help : {false, true})
      for (std::size_t columns = 1; columns <= 200; columns += columns < 30 ? 1 : 17)
        for (std::size_t rows = 1; rows <= 60; rows += rows < 12 ? 1 : 6) {
          choice.view = static_cast<TopView>(view);
          choice.help = help;
          check_size(render_top(data, choice, {columns, rows}, {}), {columns, rows});
        }
  choice = {};
  choice.help = true;
  const auto help = render_top(data, choice, {80, 24}, {});
  CHECK(std::none_of(help.begin(), help.end(), [](const auto& line) { return has(line, "…"); }));
  choice = {};
  const std::string wide = join_lines(render_top(data, choice, {200, 60}, {}));
  CHECK(has(wide, "IN FLIGHT (900 hidden)"));
  CHECK(has(wide, "req_1"));
  CHECK_FALSE(has(wide, "BACKEND ("));
  const std::string tiny = join_lines(render_top(data, choice, {20, 5}, {}));
  CHECK(tiny ==
        "clasp 1.2.3  healthy\nBACKEND       STATE\nzeta          healt…\nalpha         down\n"
        "2 tables hidden: Tab\n");
  const std::string small = join_lines(render_top(data, choice, {80, 11}, {}));
  CHECK(has(small, "CLIENT (1 hidden) "));
  CHECK(has(small, "IN FLIGHT (900 hidden)"));
}

TEST_CASE("names that clients chose give the terminal no orders; colours are asked for") {
  std::string body = answer(12'000, 140);
  const std::string evil = R"("name":"a\u001b[31m\u009b\nb")";
  body.replace(body.find(R"("name":"ann")"), 12, evil);
  const TopData data = measure(nullptr, parsed(body).get());
  const std::string plain = join_lines(render_top(data, {}, {80, 24}, {}));
  CHECK(has(plain, "a?[31m??b"));
  CHECK_FALSE(has(plain, "\x1b"));
  const std::string colourful = join_lines(render_top(data, {}, {80, 24}, {true, 80}));
  CHECK(has(colourful, "\x1b[32mhealthy\x1b[0m "));
  CHECK(has(colourful, "\x1b[31mdown\x1b[0m    "));
}

TEST_CASE("tables are sorted by what was chosen, the most first, and turned") {
  const TopData data = sample();
  const auto first = [&](TopView view, TopSort sort, bool reverse = false) {
    const auto lines = top_table(data, view, {sort, reverse, 0, 9}, 0, {});
    return lines.at(1).substr(0, 5);
  };
  CHECK(first(TopView::backends, TopSort::given) == "zeta ");
  CHECK(first(TopView::backends, TopSort::given, true) == "alpha");
  CHECK(first(TopView::backends, TopSort::name) == "alpha");
  CHECK(first(TopView::backends, TopSort::name, true) == "zeta ");
  CHECK(first(TopView::backends, TopSort::requests) == "alpha");
  CHECK(first(TopView::backends, TopSort::failed) == "alpha");
  CHECK(first(TopView::backends, TopSort::in_flight) == "alpha");
  CHECK(first(TopView::backends, TopSort::latency) == "zeta ");
  CHECK(first(TopView::clients, TopSort::requests) == "ann  ");
  const auto second = top_table(data, TopView::backends, {TopSort::given, false, 1, 9}, 0, {});
  CHECK(second.size() == 2);
  CHECK(second[0].starts_with("BACKEND (1 hidden)"));
}

TEST_CASE("numbers are short and stay readable") {
  CHECK(rate_text(std::nullopt) == "-");
  CHECK(rate_text(0) == "0");
  CHECK(rate_text(0.04) == "0.0");
  CHECK(rate_text(9.94) == "9.9");
  CHECK(rate_text(9.96) == "10");
  CHECK(rate_text(12345) == "12k");
  CHECK(latency_text(0.2) == "<1ms");
  CHECK(latency_text(999.7) == "1.0s");
  CHECK(latency_text(std::nullopt) == "-");
  CHECK(cost_text("0.000000") == "-");
  CHECK(cost_text("12.345678") == "$12.3456");
  CHECK(cost_text("") == "-");
}

TEST_CASE("keys change the view, the order and the interval, and quit") {
  TopApp app(2, 0, {});
  app.resize({80, 24});
  app.told(good(answer(10'000, 100)), 50);
  app.told(good(answer(12'000, 140)), 52);
  const auto shows = [&](std::string_view keys, std::string_view what) {
    app.on_keys(keys, 52);
    const std::string text = join_lines(app.picture(52));
    CHECK_MESSAGE(has(text, what), std::string(keys), text);
  };
  shows("", "requests 20/s");
  shows("n", "sort: name");
  shows("n", "sort: name (turned)");
  shows("s", "sort: in flight");
  shows("v", "sort: in flight (turned)");
  shows("o", "sort: as it is");
  shows("2", "from 1 of 2");
  shows("\x1b[B", "from 2 of 2");
  shows("\x1b[B\x1b[B", "from 2 of 2");
  shows("\x1b[H", "from 1 of 2");
  shows("\x1bOF", "from 2 of 2");
  shows("\t", "from 1 of 2");
  shows("\t\t", "\nIN FLIGHT");
  shows("+", "every 5s");
  shows("-----------", "every 0.5s");
  shows("+++++++++++", "every 60s");
  shows("?", "this text");
  shows("\x1b", "\nBACKEND");
  shows(" ", "PAUSED");
  CHECK(app.paused());
  shows(" ", "every 60s");
  shows("\x01\xff\x1b[99;5xZ", "every 60s");
  CHECK_FALSE(app.over());
  app.on_keys("q", 52);
  CHECK(app.over());
}

TEST_CASE("a daemon that goes away is said and asked again each second; a new one begins anew") {
  TopApp app(5, 0, {});
  app.resize({80, 24});
  app.told(good(answer(10'000, 100)), 50);
  CHECK(app.next_question() == 51);
  app.told(good(answer(11'000, 140)), 51);
  CHECK(app.next_question() == 56);
  app.told(bad(LinkError::Kind::not_running), 56);
  CHECK(app.next_question() == 57);
  CHECK(app.picture(56)[0] == "the daemon went away, trying again");
  app.told(bad(LinkError::Kind::not_running), 57);
  CHECK(app.picture(59.5)[0] == "the daemon went away, trying again (3s)");
  app.told(bad(LinkError::Kind::timeout), 60);
  CHECK(has(app.picture(60)[0], "does not answer"));
  app.told(bad(LinkError::Kind::refused), 61);
  CHECK(has(app.picture(61)[0], "no permission"));
  app.told(Told{404, "{}"}, 62);
  CHECK(has(app.picture(62)[0], "the daemon answered 404"));
  app.told(good(answer(500, 3, 8)), 63);
  CHECK(has(app.picture(63)[0], "pid 8"));
  CHECK(has(app.picture(63)[1], "requests -/s"));
  CHECK(app.next_question() == 64);
}

TEST_CASE("rates are those of the last ten seconds; after so many pictures it is over") {
  TopApp app(2, 8, {});
  app.resize({80, 24});
  for (int i = 0; i <= 8; ++i) {
    CHECK_FALSE(app.over());
    // 10 a second, but the first 2 seconds 1000.
    app.told(good(answer(1000 + 2000 * i, i == 0 ? 0 : 2000 + 20 * (i - 1))), 2.0 * i);
  }
  CHECK(has(app.picture(16)[1], "requests 10/s"));
  CHECK(app.over());
}
