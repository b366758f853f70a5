#include "core/wire/trace_context.h"

#include <doctest/doctest.h>

using namespace clasp;
using wire::Headers;
using wire::join_tracestate;
using wire::parse_traceparent;

namespace {

const std::string kGood = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

std::string changed(std::size_t at, char c) {
  std::string text = kGood;
  text[at] = c;
  return text;
}

}  // namespace

TEST_CASE("traceparent: what is valid") {
  const auto parent = parse_traceparent(kGood);
  REQUIRE(parent);
  CHECK(parent->trace_id == "4bf92f3577b34da6a3ce929d0e0e4736");
  CHECK(parent->parent_id == "00f067aa0ba902b7");
  CHECK(parent->sampled());
  CHECK(wire::render_traceparent(*parent) == kGood);
  CHECK_FALSE(parse_traceparent(changed(54, '0'))->sampled());
  // Flags that nobody knows yet are not passed on as ours.
  CHECK(wire::render_traceparent(*parse_traceparent(changed(53, 'f'))) == kGood);
  CHECK(parse_traceparent(changed(54, '3'))->flags == 3);
  // Later versions.
  CHECK(parse_traceparent("cc" + kGood.substr(2)));
  CHECK(parse_traceparent("cc" + kGood.substr(2) + "-what-will-come"));
  CHECK_FALSE(parse_traceparent("cc" + kGood.substr(2) + ".what-will-come"));
}

TEST_CASE("traceparent: what is not") {
  CHECK_FALSE(parse_traceparent(""));
  for (std::size_t length = 0; length < kGood.size(); ++length)
    CHECK_FALSE(parse_traceparent(kGood.substr(0, length)));
  for (std::size_t at = 0; at < kGood.size(); ++at) {
    CHECK_FALSE(parse_traceparent(changed(at, 'A')));
    CHECK_FALSE(parse_traceparent(changed(at, ' ')));
    CHECK_FALSE(parse_traceparent(changed(at, '_')));
  }
  CHECK_FALSE(parse_traceparent("ff" + kGood.substr(2)));
  CHECK_FALSE(parse_traceparent(kGood + "-"));
  CHECK_FALSE(parse_traceparent(kGood + "-00"));
  CHECK_FALSE(parse_traceparent("00-00000000000000000000000000000000-00f067aa0ba902b7-01"));
  CHECK_FALSE(parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"));
}

TEST_CASE("tracestate: lines are joined, what is wrong drops all of it") {
  CHECK(join_tracestate({}).empty());
  CHECK(join_tracestate(
            {{"tracestate", "rojo=00f067, congo=t61 , ,"}, {"Tracestate", "a/b*c_d-e@z=x y"}}) ==
        "rojo=00f067,congo=t61,a/b*c_d-e@z=x y");
  for (const char* wrong : {"a", "=b", "a=", "A=b", "a=b=c", "a b=c", "a@b@c=d", "a@=d", "-a=b",
                            "a=\x7F", "a=\xC3\xA4", "a=1,a=2", "good=1,bad"})
    CHECK_MESSAGE(join_tracestate({{"tracestate", wrong}}).empty(), wrong);
  CHECK(join_tracestate({{"tracestate", "a=1"}, {"tracestate", "bad"}}).empty());
}

TEST_CASE("tracestate: bounded") {
  std::string entries;
  for (int i = 0; i < 32; ++i) entries += "k" + std::to_string(i) + "=v,";
  CHECK_FALSE(join_tracestate({{"tracestate", entries}}).empty());
  CHECK(join_tracestate({{"tracestate", entries + "more=v"}}).empty());
  // Large entries go first, then the last ones.
  const std::string large = "large=" + std::string(200, 'x');
  std::string many;
  for (int i = 0; i < 4; ++i) many += ",m" + std::to_string(i) + "=" + std::string(100, 'y');
  const std::string kept = join_tracestate({{"tracestate", "first=1," + large + many}});
  CHECK(kept == "first=1" + many);
  for (int i = 4; i < 8; ++i) many += ",m" + std::to_string(i) + "=" + std::string(100, 'y');
  const std::string cut = join_tracestate({{"tracestate", "first=1," + large + many}});
  CHECK(cut.size() <= wire::kMostTraceState);
  CHECK(cut == ("first=1" + many).substr(0, cut.size()));
  CHECK(join_tracestate({{"tracestate", "a=" + std::string(257, 'x')}}).empty());
}

TEST_CASE("trace context: one valid traceparent, or there is none") {
  const auto context = wire::read_trace_context({{"TraceParent", kGood}, {"tracestate", "a=b"}});
  REQUIRE(context);
  CHECK(context->traceparent == kGood);
  CHECK(context->tracestate == "a=b");
  CHECK_FALSE(wire::read_trace_context({{"tracestate", "a=b"}}));
  CHECK_FALSE(wire::read_trace_context({{"traceparent", kGood}, {"traceparent", kGood}}));
  const auto without = wire::read_trace_context({{"traceparent", kGood}, {"tracestate", "a"}});
  REQUIRE(without);
  CHECK(without->tracestate.empty());
}
