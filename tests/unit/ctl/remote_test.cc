// What claspctl asks the daemon for, and what becomes of the answer: switches of single commands,
// the exit code of a test, the log level's words.
#include "ctl/remote.h"

#include <doctest/doctest.h>

#include "ctl/ctl.h"

using namespace clasp;
using ctl::Answer;

namespace {

struct FakeDaemon {
  ctl::Told told;
  std::string asked = {};
  long seconds = 0;
  Answer call(const std::vector<std::string>& args) {
    ctl::World world;
    world.ask_daemon = [this](const ctl::Options& options, const std::string& method,
                              const std::string& target) -> Result<ctl::Told, ctl::LinkError> {
      asked = method + " " + target;
      seconds = options.seconds;
      return told;
    };
    return ctl::run(args, world);
  }
};

}  // namespace

TEST_CASE("a test's exit code says how it went, and its time is the daemon's too") {
  FakeDaemon daemon{{200, R"({"passed":true,"backends":[]})"}};
  CHECK(daemon.call({"test"}).exit_code == ctl::kExitSuccess);
  CHECK(daemon.asked == "POST /v1/test?seconds=30");
  CHECK(daemon.seconds == 35);
  CHECK(daemon.call({"test", "one", "model=x y", "--timeout", "5", "--json"}).exit_code == 0);
  CHECK(daemon.asked == "POST /v1/test?backend=one&model=x%20y&seconds=5");
  daemon.told.body = R"({"passed":false,"timed_out":false,"backends":[]})";
  CHECK(daemon.call({"test"}).exit_code == ctl::kExitFailure);
  CHECK(daemon.call({"test", "--json"}).out == daemon.told.body);
  daemon.told.body = R"({"passed":false,"timed_out":true,"backends":[]})";
  CHECK(daemon.call({"test"}).exit_code == ctl::kExitTimeout);
  daemon.asked.clear();
  CHECK(daemon.call({"test", "one", "two"}).exit_code == ctl::kExitUsage);
  CHECK(daemon.asked.empty());
}

TEST_CASE("metrics as Prometheus reads them come as they are") {
  FakeDaemon daemon{{200, "# HELP clasp_x x\nclasp_x 1\n"}};
  CHECK(daemon.call({"metrics", "--prometheus"}).out == daemon.told.body);
  CHECK(daemon.asked == "GET /v1/metrics?format=prometheus");
  CHECK(daemon.call({"metrics", "--prometheus", "--json"}).exit_code == ctl::kExitUsage);
  daemon.told = {429, R"({"error":{"code":"too_many","message":"busy"}})"};
  CHECK(daemon.call({"metrics", "--prometheus"}).err == "claspctl: busy\n");
  daemon.told = {
      200, R"({"requests":{"total":7,"success_rate":"100.00%"},"uptime":"5m3s","x\u001b":1})"};
  CHECK(daemon.call({"metrics"}).out ==
        "uptime                  5m3s\n"
        "x?                      1\n"
        "\n"
        "requests\n"
        "  total                 7\n"
        "  success rate          100.00%\n");
}

TEST_CASE("bodies in the log are asked for by word") {
  FakeDaemon daemon{
      {200,
       R"({"level":"debug","debug_requests":true,"debug_responses":true,"changed":true,
                     "configured":{"level":"info","debug_requests":false,"debug_responses":true}})"}};
  CHECK(daemon.call({"log-level", "debug", "--bodies"}).out ==
        "debug with bodies (configured: info with answers)\n");
  CHECK(daemon.asked == "PUT /v1/log-level/debug?bodies=1");
  daemon.call({"log-level", "debug"});
  CHECK(daemon.asked == "PUT /v1/log-level/debug");
  CHECK(daemon.call({"log-level", "--bodies"}).exit_code == ctl::kExitUsage);
  CHECK(daemon.call({"status", "--bodies"}).exit_code == ctl::kExitUsage);
}
