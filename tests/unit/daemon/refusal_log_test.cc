#include "daemon/refusal_log.h"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using namespace clasp;
using daemon::RefusalLog;

namespace {

class Lines final : public LogSink {
 public:
  Lines() { set_log_sink(this); }
  ~Lines() override { set_log_sink(nullptr); }
  void write(LogLevel, std::string_view message, const std::vector<LogField>&) override {
    lines.emplace_back(message);
  }
  std::vector<std::string> lines;
};

}  // namespace

TEST_CASE("refusals: a flood of them is told in part, each status for itself") {
  Lines out;
  RefusalLog log;
  TimePoint now{Duration{1000}};
  exchange::Refusal refusal{"req_1", "127.0.0.1:1", "", "GET", "/x", 401, "no"};
  for (int i = 0; i < 5000; ++i) log.note(refusal, now);
  CHECK(out.lines.size() == RefusalLog::kLines);
  refusal.status = 404;
  log.note(refusal, now);
  CHECK(out.lines.size() == RefusalLog::kLines + 1);
  log.settle(now + Duration{9000});
  CHECK(out.lines.size() == RefusalLog::kLines + 1);
  now += RefusalLog::kWindow;
  log.settle(now);
  REQUIRE(out.lines.size() == RefusalLog::kLines + 2);
  CHECK(out.lines.back() == "refused status=401: 4990 similar lines suppressed");
  log.settle(now);
  refusal.status = 401;
  log.note(refusal, now);
  CHECK(out.lines.size() == RefusalLog::kLines + 3);
  CHECK(out.lines.back().find("status=401 outcome=refused") != std::string::npos);
  for (unsigned i = 0; i < RefusalLog::kLines; ++i) log.note(refusal, now);
  log.settle(now, true);
  CHECK(out.lines.back() == "refused status=401: 1 similar line suppressed");
}

TEST_CASE("refusals: keys in paths are masked, long paths cut") {
  Lines out;
  RefusalLog log;
  const std::string path = "/v1/sk-0123456789abcdef/" + std::string(5000, 'p');
  log.note({"req_1", "127.0.0.1:1", "", "GET", path, 404, "no"}, TimePoint{});
  REQUIRE(out.lines.size() == 1);
  CHECK(out.lines[0].find("0123456789") == std::string::npos);
  CHECK(out.lines[0].size() < 400);
}
