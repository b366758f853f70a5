// What claspctl asks the daemon for, and what becomes of the answer: switches of single commands,
// the exit code of a test, the log level's words.
#include "ctl/remote.h"

#include <doctest/doctest.h>

#include "base/text.h"
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
    world.working_folder = [this] { return folder; };
    world.look.width = width;
    return ctl::run(args, world);
  }
  std::string folder = {};
  std::size_t width = 0;
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

TEST_CASE("the program of an upgrade is named from where claspctl was started") {
  FakeDaemon daemon{{200, R"({"upgraded":true})"}};
  daemon.folder = "/home/user/new";
  for (const auto& [given, asked] : {std::pair{"./clasp", "/home/user/new/clasp"},
                                     {"clasp", "/home/user/new/clasp"},
                                     {"../old/clasp", "/home/user/old/clasp"},
                                     {"/opt/clasp", "/opt/clasp"}}) {
    daemon.call({"upgrade", "--binary", given});
    CHECK(daemon.asked == "POST /v1/upgrade?binary=" + percent_encode(asked));
  }
  daemon.folder.clear();  // it was deleted: the daemon says what is wrong
  daemon.call({"upgrade", "--binary", "clasp"});
  CHECK(daemon.asked == "POST /v1/upgrade?binary=clasp");
}

TEST_CASE("one is one: no \"1 workers\"") {
  FakeDaemon daemon{
      {200,
       R"({"version":"1","state":"healthy","workers":1,"metrics":{"requests":{"open_streams":1}},
           "queue":{"waiting":0,"max_size":9,"paused":true},
           "cache":{"enabled":true,"entries":1,"hits":1,"misses":1},"backends":[]})"}};
  const std::string one = daemon.call({"status"}).out;
  for (const char* part : {"1 worker,", "1 stream,", "1 hit,", "1 miss\n",
                           "0/9 waiting, longest -, paused (claspctl queue resume)\n"})
    CHECK_MESSAGE(one.find(part) != std::string::npos, part);
  daemon.told.body = R"({"workers":2,"cache":{"enabled":true,"hits":0,"misses":2}})";
  const std::string more = daemon.call({"status"}).out;
  for (const char* part : {"2 workers,", "0 streams,", "0 hits,", "2 misses\n"})
    CHECK_MESSAGE(more.find(part) != std::string::npos, part);
  daemon.told.body = R"({"cancelled":1,"flushed":1,"ended":1,"draining":true,"running":1})";
  CHECK(daemon.call({"exchanges", "cancel", "x"}).out == "1 request ended\n");
  CHECK(daemon.call({"queue", "flush"}).out == "1 waiting request ended\n");
  CHECK(daemon.call({"cache", "flush"}).out == "1 answer forgotten\n");
  CHECK(daemon.call({"drain"}).out.starts_with("out of service, 1 request still runs\n"));
  CHECK(daemon.call({"backends", "disable", "x"}).out.ends_with("1 request ended\n"));
  daemon.told.body = R"({"total_requests":1})";
  CHECK(daemon.call({"costs"}).out.starts_with("$0.0000 for 1 request\n"));
}

TEST_CASE("sentences fit the terminal as tables do") {
  FakeDaemon daemon{{200, R"({"limits":[],"refused":{},"version":"1","state":"healthy",
      "metrics":{"requests":{"total":1000000}},"listeners":["127.0.0.1:8080"],"backends":[]})"}};
  for (const std::size_t width : {40u, 60u, 80u}) {
    daemon.width = width;
    for (const char* command : {"limits", "status"})
      for (const std::string_view line : split(daemon.call({command}).out, '\n'))
        CHECK_MESSAGE(line.size() <= width, line);
  }
  CHECK(daemon.call({"limits"}).out.find("\n  by budget\n") == std::string::npos);
}
