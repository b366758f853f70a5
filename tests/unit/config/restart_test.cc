// What a reload cannot take over is named; everything else is not.
#include "config/restart.h"

#include <doctest/doctest.h>

#include "support.h"

namespace clasp::config::test {

TEST_CASE("settings that hold until the end of the process are named as the file names them") {
  const Settings before = load_text("[server]\nport = 8080\n")->settings;
  CHECK(restart_needed(before, before).empty());
  const Settings after = load_text(
                             "[server]\nport = 8081\nworkers = 3\nca_file = /ca\n"
                             "[timeouts]\nclient_idle = 5s\n"
                             "[limits]\nmax_body = 1M\npool_idle = 1\n"
                             "[media]\nfetch_remote = true\nfetch_networks = 10.0.0.0/8\n")
                             ->settings;
  CHECK(restart_needed(before, after) ==
        std::vector<std::string>{"server.workers", "server.ca_file", "timeouts.client_idle",
                                 "limits.max_body", "limits.pool_idle", "media.fetch_remote",
                                 "media.fetch_networks"});
}

TEST_CASE("what concerns backends, routes and staying up is taken over") {
  const Settings before = load_text("")->settings;
  const Settings after =
      load_text(
          "[backend other]\nprovider = custom\nbase_url = http://127.0.0.1:9/v1\nmodel = x\n"
          "[route x]\ncandidates = other\n[queue]\nenabled = true\n"
          "[circuit_breaker]\nenabled = true\n[retry]\nattempts = 5\n"
          "[timeouts]\ntotal = 5s\ndrain = 5s\nping = 1s\n[log]\nlevel = debug\n"
          "debug_requests = true\ndebug_bytes = 1K\n[tracing]\notlp_url = http://127.0.0.1:9/\n")
          ->settings;
  CHECK(restart_needed(before, after).empty());
}

}  // namespace clasp::config::test
