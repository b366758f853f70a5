#include "core/exchange/media_cache.h"

#include <doctest/doctest.h>

using namespace clasp;
using exchange::MediaCache;
using translate::Medium;

namespace {

translate::MediumPtr medium(std::size_t bytes, Medium::State state = Medium::State::ready) {
  return std::make_shared<const Medium>(Medium{.state = state, .raw = std::string(bytes, 'x')});
}
constexpr TimePoint kStart{std::chrono::hours(1)};

}  // namespace

TEST_CASE("media cache: the same bytes for an hour after the last use, a day at most") {
  using std::chrono::minutes;
  MediaCache cache(1 << 20);
  CHECK(cache.find("a", kStart) == nullptr);
  const auto first = medium(10);
  cache.put("a", first, kStart);
  TimePoint now = kStart;
  for (int i = 0; i < 28; ++i) {
    now += minutes(50);
    CHECK(cache.find("a", now) == first);
  }
  CHECK(cache.find("a", kStart + std::chrono::hours(24)) == nullptr);
  cache.put("a", first, kStart);
  CHECK(cache.find("a", kStart + minutes(60)) == nullptr);
  CHECK(cache.bytes() == 0);
}

TEST_CASE("media cache: failures are tried again after a minute") {
  MediaCache cache(1 << 20);
  cache.put("a", medium(0, Medium::State::failed), kStart);
  CHECK(cache.find("a", kStart + std::chrono::seconds(30)) != nullptr);
  CHECK(cache.find("a", kStart + std::chrono::seconds(60)) == nullptr);
}

TEST_CASE("media cache: bounded by bytes, what was used last stays") {
  MediaCache cache(10'000);
  cache.put("a", medium(4'000), kStart);
  cache.put("b", medium(4'000), kStart);
  CHECK(cache.find("a", kStart) != nullptr);
  cache.put("c", medium(4'000), kStart);
  CHECK(cache.find("b", kStart) == nullptr);
  CHECK(cache.find("a", kStart) != nullptr);
  CHECK(cache.find("c", kStart) != nullptr);
  cache.put("d", medium(10'000), kStart);  // too large for everything: nothing else is thrown out
  CHECK(cache.find("d", kStart) == nullptr);
  CHECK(cache.find("a", kStart) != nullptr);
  cache.put("a", medium(100), kStart);
  CHECK(cache.find("a", kStart)->raw.size() == 100);
  for (int i = 0; i < 1000; ++i) cache.put(std::to_string(i), medium(1), kStart);
  CHECK(cache.bytes() <= 10'000);
}
