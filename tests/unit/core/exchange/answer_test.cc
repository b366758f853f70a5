#include "core/exchange/answer.h"

#include <doctest/doctest.h>

#include "../../../support/fake_scheduler.h"

using namespace clasp;
using exchange::Answer;
using test::FakeScheduler;

namespace {

struct Client final : exchange::ClientStream {
  std::string got;
  void answer(int, const wire::Headers&, std::string_view body) override { got += body; }
  void begin(int, const wire::Headers&) override {}
  void write(std::string_view bytes) override { got += bytes; }
  void end() override {}
  void abort() override {}
  std::size_t pending() const override { return 0; }
};

constexpr std::int64_t kLimits[] = {1'000, 10'000, 100'000};

}  // namespace

TEST_CASE(
    "answer: the time between two pieces of content is counted, not that of pings or headers") {
  FakeScheduler scheduler;
  Client client;
  Answer answer(client, scheduler, Duration{1000}, true, "req_1");
  Histogram gaps(kLimits);
  answer.open_stream({});
  answer.raw() = "event: message_start\n\n";
  answer.flush();
  scheduler.advance(Duration{300});
  answer.measure_gaps(&gaps);
  answer.raw() = "a";
  answer.flush();
  CHECK(gaps.read().count() == 0);
  scheduler.advance(Duration{5});
  answer.raw() = "b";
  answer.flush();
  answer.flush();
  CHECK(gaps.read().count() == 1);
  CHECK(gaps.read().sum_us == 5'000);
  scheduler.advance(Duration{2500});
  CHECK(client.got.find("ping") != std::string::npos);
  CHECK(gaps.read().count() == 1);
  answer.raw() = "c";
  answer.flush();
  CHECK(gaps.read().count() == 2);
  CHECK(gaps.read().buckets[3] == 1);
  CHECK(gaps.read().sum_us == 2'505'000);
}
