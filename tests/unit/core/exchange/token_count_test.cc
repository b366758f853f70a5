// Who counts a prompt, in which order, and that somebody always answers (section 7.1).
#include "core/exchange/token_count.h"

#include <doctest/doctest.h>

#include "../../../support/fake_scheduler.h"

using namespace clasp;
using namespace clasp::exchange;

namespace {

class Backend final : public BackendPort {
 public:
  std::unique_ptr<BackendCall> start(BackendRequest request, BackendEvents& told) override {
    asked.push_back(std::move(request));
    events = &told;
    return std::make_unique<Call>(*this);
  }
  void answer(int status, std::string_view body) {
    BackendEvents& told = *events;
    told.on_backend_head(status, {});
    told.on_backend_body(body);
    told.on_backend_end();
  }
  std::vector<BackendRequest> asked;
  BackendEvents* events = nullptr;

 private:
  struct Call final : BackendCall {
    explicit Call(Backend& b) : backend(b) {}
    ~Call() override { backend.events = nullptr; }
    void pause() override {}
    void resume() override {}
    void let_finish() override {}
    Backend& backend;
  };
};

class Counter final : public CounterPort {
 public:
  std::unique_ptr<CountWork> start(translate::Prompt prompt, std::string vocabulary,
                                   Done done) override {
    if (busy) return nullptr;
    counted.push_back(prompt.body + " with " + vocabulary);
    tell = std::move(done);
    return std::make_unique<Work>(*this);
  }
  bool busy = false;
  std::vector<std::string> counted;
  Done tell;

 private:
  struct Work final : CountWork {
    explicit Work(Counter& c) : counter(c) {}
    ~Work() override { counter.tell = nullptr; }
    Counter& counter;
  };
};

struct Fixture {
  explicit Fixture(bool with_call, bool with_prompt) {
    if (with_call)
      plan.call = CountCall{translate::CountStep::input_tokens, "http://a/v1/x", false, {}};
    if (with_prompt) plan.prompt = translate::Prompt{translate::Api::chat, "{}"};
    plan.vocabulary = "auto";
    count = std::make_unique<TokenCount>(scheduler, backend, &counter, slow,
                                         [this](std::optional<std::int64_t> tokens) {
                                           results.push_back(tokens.value_or(-1));
                                           count.reset();  // as the server does
                                         });
  }
  bool start() { return count->start(std::move(plan)); }
  void tell(std::optional<std::int64_t> tokens) {
    const CounterPort::Done done = counter.tell;
    done(tokens);
  }
  using Results = std::vector<std::int64_t>;

  test::FakeScheduler scheduler;
  Backend backend;
  Counter counter;
  exchange::SlowCounters slow;
  CountPlan plan;
  Results results;
  std::unique_ptr<TokenCount> count;
};

}  // namespace

TEST_CASE("section 7.1: what the backend counts is not counted again") {
  Fixture f(true, true);
  REQUIRE(f.start());
  f.backend.answer(200, R"({"input_tokens":42})");
  CHECK(f.results == Fixture::Results{42});
  CHECK(f.counter.counted.empty());
}

TEST_CASE(
    "section 7.1: a backend that was silent is not asked the next time, and we count at once") {
  Fixture f(true, true);
  REQUIRE(f.start());
  f.scheduler.advance(Duration{3000});
  f.tell(7);
  CHECK(f.results == Fixture::Results{7});
  CHECK_FALSE(f.slow.may_ask("http://a/v1/x", f.scheduler.now()));

  TokenCount next(f.scheduler, f.backend, &f.counter, f.slow,
                  [&](std::optional<std::int64_t> tokens) { f.results.push_back(*tokens); });
  CountPlan plan;
  plan.call = CountCall{translate::CountStep::input_tokens, "http://a/v1/x", false, {}};
  plan.prompt = translate::Prompt{translate::Api::chat, "{}"};
  REQUIRE(next.start(std::move(plan)));
  f.tell(8);
  CHECK(f.results == Fixture::Results{7, 8});
}

TEST_CASE("section 7.1: where the backend does not count, we do") {
  Fixture without(false, true);
  REQUIRE(without.start());
  CHECK(without.counter.counted == std::vector<std::string>{"{} with auto"});
  without.tell(7);
  CHECK(without.results == Fixture::Results{7});
  CHECK(without.backend.asked.empty());

  Fixture refused(true, true);
  REQUIRE(refused.start());
  refused.backend.answer(404, "{}");
  CHECK(refused.results.empty());
  refused.tell(8);
  CHECK(refused.results == Fixture::Results{8});

  Fixture broken(true, true);
  REQUIRE(broken.start());
  broken.backend.events->on_backend_failed({});
  broken.tell(9);
  CHECK(broken.results == Fixture::Results{9});
}

TEST_CASE("section 7.1: a backend that hangs costs three seconds, our own count three more") {
  Fixture f(true, true);
  REQUIRE(f.start());
  f.scheduler.advance(Duration(2999));
  CHECK(f.counter.counted.empty());
  f.scheduler.advance(Duration(1));
  CHECK(f.counter.counted.size() == 1);
  CHECK(f.backend.events == nullptr);
  f.scheduler.advance(Duration(2999));
  CHECK(f.results.empty());
  f.scheduler.advance(Duration(1));
  CHECK(f.results == Fixture::Results{-1});
  CHECK_FALSE(f.counter.tell);
}

TEST_CASE("section 7.1: without a number there is the estimate, and nothing is waited for") {
  CHECK_FALSE(Fixture(false, false).start());
  Fixture busy(false, true);
  busy.counter.busy = true;
  CHECK_FALSE(busy.start());
  Fixture both(true, true);
  both.counter.busy = true;
  REQUIRE(both.start());
  both.backend.answer(500, "no");
  CHECK(both.results == Fixture::Results{-1});
  Fixture no_file(false, true);
  REQUIRE(no_file.start());
  no_file.tell(std::nullopt);
  CHECK(no_file.results == Fixture::Results{-1});
}

TEST_CASE("section 7.1: a client that leaves ends both") {
  Fixture f(false, true);
  REQUIRE(f.start());
  f.count->on_client_gone();
  CHECK_FALSE(f.counter.tell);
  f.scheduler.advance(Duration(9000));
  CHECK(f.results.empty());
}
