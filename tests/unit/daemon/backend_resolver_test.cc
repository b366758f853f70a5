// The name thread: cache, sharing, cancelling, a lookup that hangs; and several addresses.
#include <condition_variable>

#include "backend_harness.h"
#include "daemon/connector.h"

namespace clasp::daemon::test {
namespace {

const IpAddress kHere = *parse_ip_address("127.0.0.1");

// Lookups that wait until they are let go. Shared, because an abandoned thread still uses it.
struct Gate {
  std::mutex mutex;
  std::condition_variable change;
  bool is_open = false;
  int calls = 0;

  NameAnswer pass() {
    std::unique_lock lock(mutex);
    ++calls;
    change.notify_all();
    change.wait(lock, [this] { return is_open; });
    return {{kHere}, ""};
  }
  void open() {
    const std::lock_guard lock(mutex);
    is_open = true;
    change.notify_all();
  }
  int count() {
    const std::lock_guard lock(mutex);
    return calls;
  }
};

struct Names {
  explicit Names(Resolver::Lookup lookup,
                 std::chrono::milliseconds ttl = std::chrono::seconds(60)) {
    Resolver::Options options;
    options.lookup = std::move(lookup);
    options.positive_ttl = options.negative_ttl = ttl;
    options.shutdown_wait = std::chrono::milliseconds(50);
    options.max_entries = 4;
    resolver = std::make_unique<Resolver>(std::move(options));
    names = std::make_unique<LoopResolver>(loop.base.get(), *resolver);
  }
  Loop loop;
  std::unique_ptr<Resolver> resolver;
  std::unique_ptr<LoopResolver> names;
};

TEST_CASE("resolver: literals need no thread") {
  Names n([](const std::string&) { return NameAnswer{{}, "unused"}; });
  CHECK(n.names->try_now("127.0.0.1")->addresses == std::vector{kHere});
  CHECK(n.names->try_now("::1")->addresses[0].render(80) == "[::1]:80");
  CHECK(!n.names->try_now("api.test"));
  CHECK(n.names->lookups() == 0);
}

TEST_CASE("resolver: one lookup for many, then the cache, then its end") {
  const auto gate = std::make_shared<Gate>();
  Names n([gate](const std::string&) { return gate->pass(); }, std::chrono::milliseconds(150));
  int answers = 0;
  std::vector<std::unique_ptr<NameQuery>> queries;
  for (int i = 0; i < 10; ++i)
    queries.push_back(*n.names->ask("api.test", [&](const NameAnswer& answer) {
      CHECK(answer.addresses.size() == 1);
      ++answers;
    }));
  queries[3].reset();
  gate->open();
  CHECK(n.loop.run_until([&] { return answers == 9; }));
  CHECK(gate->count() == 1);
  CHECK(n.names->try_now("api.test").has_value());
  CHECK(n.loop.run_until([&] { return !n.names->try_now("api.test"); }));
}

TEST_CASE("resolver: failures are kept too; the cache is bounded") {
  std::atomic<int> calls{0};
  Names n([&](const std::string&) {
    ++calls;
    return NameAnswer{{}, "no such name"};
  });
  for (int i = 0; i < 12; ++i) {
    bool done = false;
    const auto query = n.names->ask("host" + std::to_string(i), [&](const NameAnswer& answer) {
      CHECK(answer.error == "no such name");
      done = true;
    });
    CHECK(n.loop.run_until([&] { return done; }));
  }
  CHECK(calls == 12);
  CHECK(n.names->try_now("host11")->error == "no such name");
  int known = 0;
  for (int i = 0; i < 12; ++i) known += n.names->try_now("host" + std::to_string(i)).has_value();
  CHECK(known <= 4);
}

TEST_CASE("resolver: two loops, one of which is gone before the answer") {
  const auto gate = std::make_shared<Gate>();
  Names n([gate](const std::string&) { return gate->pass(); });
  auto other = std::make_unique<LoopResolver>(n.loop.base.get(), *n.resolver);
  bool first = false;
  bool second = false;
  auto query = other->ask("api.test", [&](const NameAnswer&) { first = true; });
  const auto kept = n.names->ask("api.test", [&](const NameAnswer&) { second = true; });
  query->reset();
  other.reset();
  gate->open();
  CHECK(n.loop.run_until([&] { return second; }));
  CHECK(!first);
}

TEST_CASE("resolver: a lookup that hangs does not hold up the end") {
  const auto gate = std::make_shared<Gate>();
  const auto begin = now_ms();
  {
    Names n([gate](const std::string&) { return gate->pass(); });
    const auto query = n.names->ask("api.test", [](const NameAnswer&) {});
    CHECK(n.loop.run_until([&] { return gate->count() == 1; }));
  }
  CHECK(now_ms() - begin < 2'000);
  gate->open();  // the abandoned thread ends with its own copy of everything
}

TEST_CASE("resolver: a call gives up on a lookup that hangs") {
  const auto gate = std::make_shared<Gate>();
  Names n([gate](const std::string&) { return gate->pass(); });
  BackendClient client(n.loop.base.get(), *n.loop.scheduler, *n.resolver, {});
  Recorder recorder;
  auto request = make_request("http://slow.test/");
  request.timeouts.connect_ms = 80;
  recorder.call = client.start(std::move(request), recorder);
  CHECK(n.loop.run_until([&] { return recorder.is_over(); }));
  CHECK(recorder.failure.kind == exchange::FailureKind::name);
  CHECK(recorder.failure.message == "look up slow.test: no answer within 80 ms");
  recorder.call.reset();
  gate->open();
}

TEST_CASE("resolver: the system's own lookup") {
  Loop loop;
  Resolver resolver;
  LoopResolver names(loop.base.get(), resolver);
  NameAnswer local;
  int answers = 0;
  const auto q1 = names.ask("localhost", [&](NameAnswer a) { local = std::move(a), ++answers; });
  CHECK(loop.run_until([&] { return answers == 1; }));
  CHECK(!local.addresses.empty());
}

struct Opened final : ConnectorOwner {
  void on_connected(UniqueFd f) override { fd = std::move(f); }
  void on_connect_failed(const ConnectFailure& f) override {
    failed = true;
    failure = f;
  }
  UniqueFd fd;
  bool failed = false;
  ConnectFailure failure;
};

TEST_CASE("connector: the next address at once after a refusal, side by side after silence") {
  Server server([](Peer& peer, int) { peer.wait_closed(); });
  Loop loop;
  // 127.0.0.2 has no listener on that port.
  const IpAddress refusing = *parse_ip_address("127.0.0.2");
  const auto port = static_cast<std::uint16_t>(server.port());
  Opened opened;
  Connector connector(loop.base.get(), *loop.scheduler, opened);
  auto begin = now_ms();
  connector.start({refusing, kHere}, port, Duration(2'000));
  CHECK(loop.run_until([&] { return opened.fd.get() >= 0; }));
  CHECK(now_ms() - begin < 200);
  opened.fd.reset();

  int full_port = 0;
  const UniqueFd full = listen_on_loopback(full_port, 0);
  std::vector<std::unique_ptr<Opened>> fillers;
  std::vector<std::unique_ptr<Connector>> connectors;
  for (int i = 0; i < 3; ++i) {
    fillers.push_back(std::make_unique<Opened>());
    connectors.push_back(
        std::make_unique<Connector>(loop.base.get(), *loop.scheduler, *fillers.back()));
    connectors.back()->start({kHere}, static_cast<std::uint16_t>(full_port), Duration(0));
  }
  loop.run_for(30);
  Opened failing;
  Connector third(loop.base.get(), *loop.scheduler, failing);
  begin = now_ms();
  third.start({kHere, refusing}, static_cast<std::uint16_t>(full_port), Duration(500));
  CHECK(loop.run_until([&] { return failing.failed; }));
  CHECK(now_ms() - begin >= 490);
  CHECK(!failing.failure.timed_out);
  CHECK(failing.failure.message.find("127.0.0.2") != std::string::npos);
  CHECK(failing.failure.message.find("connection refused, 127.0.0.1") != std::string::npos);
}

}  // namespace
}  // namespace clasp::daemon::test
