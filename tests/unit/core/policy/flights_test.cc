#include "core/policy/flights.h"

#include <doctest/doctest.h>

using namespace clasp;
using policy::CacheKey;
using policy::Flights;
using policy::SeatNews;
using What = policy::SeatNews::What;

namespace {
CacheKey key(unsigned char number) {
  CacheKey out;
  out.bytes[0] = number;
  return out;
}
}  // namespace

TEST_CASE("flights: the first one leads, the others hear of its answer") {
  Flights flights;
  const auto leader = flights.join(key(1), 7);
  const auto other = flights.join(key(2), 7);
  CHECK(leader.leads);
  CHECK(other.leads);
  const auto second = flights.join(key(1), 8), third = flights.join(key(1), 9);
  CHECK_FALSE(second.leads);
  CHECK(flights.waiting() == 2);
  CHECK(flights.land(second.id).empty());  // only a leader has an answer
  const auto news = flights.land(leader.id);
  REQUIRE(news.size() == 2);
  CHECK(news[0].seat == second.id);
  CHECK(news[0].owner == 8);
  CHECK(news[0].what == What::answer);
  CHECK(news[1].seat == third.id);
  CHECK(flights.waiting() == 0);
  CHECK(flights.leave(second.id, false).empty());  // gone already
  CHECK(flights.join(key(1), 7).leads);            // who comes later begins anew
}

TEST_CASE("flights: a leader that leaves is followed by the one that came first, again and again") {
  Flights flights;
  auto leader = flights.join(key(1), 1).id;
  std::vector<policy::SeatId> seats;
  for (int i = 0; i < 5; ++i) seats.push_back(flights.join(key(1), 1).id);
  CHECK(flights.leave(seats[1], false).empty());
  for (const int next : {0, 2, 3, 4}) {
    const auto news = flights.leave(leader, false);
    REQUIRE(news.size() == 1);
    CHECK(news[0].what == What::lead);
    leader = seats[static_cast<std::size_t>(next)];
    CHECK(news[0].seat == leader);
  }
  CHECK(flights.leave(leader, true).empty());
  CHECK(flights.empty());
}

TEST_CASE("flights: after two failures each one is on its own") {
  Flights flights;
  const auto first = flights.join(key(1), 1).id, second = flights.join(key(1), 1).id;
  const auto third = flights.join(key(1), 2).id, fourth = flights.join(key(1), 3).id;
  CHECK(flights.leave(first, true).at(0).seat == second);
  const auto news = flights.leave(second, true);
  REQUIRE(news.size() == 2);
  CHECK(news[0].seat == third);
  CHECK(news[0].what == What::alone);
  CHECK(news[1].owner == 3);
  CHECK(news[1].seat == fourth);
  CHECK(flights.empty());
}

TEST_CASE("flights: a seat that leads and leaves before it heard so passes it on") {
  Flights flights;
  const auto first = flights.join(key(1), 1).id, second = flights.join(key(1), 1).id;
  const auto third = flights.join(key(1), 1).id;
  CHECK(flights.leave(first, false).at(0).seat == second);
  CHECK(flights.leave(second, false).at(0).seat == third);
  CHECK(flights.land(third).empty());
  CHECK(flights.empty());
}
