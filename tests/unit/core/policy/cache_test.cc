#include "core/policy/cache.h"

#include <doctest/doctest.h>

using namespace clasp;
using policy::Cache;
using policy::CachedAnswer;
using policy::CachedAnswerPtr;
using policy::CacheKey;
using policy::CacheStats;

namespace {

constexpr TimePoint kStart{std::chrono::hours(1)};

CacheKey key(int number) {
  CacheKey out;
  std::memcpy(out.bytes.data(), &number, sizeof number);
  return out;
}

CachedAnswerPtr answer(std::size_t size = 100, std::string model = "m", std::string used = "u") {
  auto out = std::make_shared<CachedAnswer>();
  out->body = std::string(size, 'x');
  out->model_asked = std::move(model);
  out->model_used = std::move(used);
  return out;
}

struct Fixture {
  Cache cache;
  Cache::Dropped dropped;
  config::CacheSettings settings{.enabled = true, .max_size = 3, .ttl_ms = 1000};
  Fixture() { cache.configure(settings, kStart, dropped); }
  bool put(int number, CachedAnswerPtr what = answer(), TimePoint now = kStart) {
    return cache.put(key(number), std::move(what), now, dropped);
  }
  CachedAnswerPtr find(int number, TimePoint now = kStart) {
    return cache.find(key(number), now, dropped);
  }
  CacheStats stats() {
    CacheStats out;
    cache.fill(out);
    return out;
  }
};

}  // namespace

TEST_CASE_FIXTURE(Fixture, "cache: what was not used for longest makes room") {
  CHECK(find(1) == nullptr);
  for (int i = 1; i <= 3; ++i) CHECK(put(i));
  CHECK(find(1) != nullptr);  // used last from now on
  CHECK(put(4));
  CHECK(find(2) == nullptr);
  for (const int i : {1, 3, 4}) CHECK(find(i) != nullptr);
  CHECK(put(5));
  CHECK(find(1) == nullptr);
  CHECK(stats().evictions == 2);
  CHECK(stats().entries == 3);
  CHECK(stats().stored == 5);
}

TEST_CASE_FIXTURE(Fixture, "cache: an entry is used until its time, and use does not prolong it") {
  const CachedAnswerPtr first = answer();
  put(1, first);
  CHECK(find(1, kStart + std::chrono::milliseconds(999)) == first);
  CHECK(find(1, kStart + std::chrono::milliseconds(1000)) == nullptr);
  CHECK(stats().expirations == 1);
  CHECK(cache.entries() == 0);
  CHECK(cache.bytes() == 0);
}

TEST_CASE_FIXTURE(Fixture, "cache: the expired ones go before others have to make room") {
  put(1, answer(), kStart);
  put(2, answer(), kStart + std::chrono::milliseconds(500));
  put(3, answer(), kStart + std::chrono::milliseconds(600));
  CHECK(find(1, kStart + std::chrono::milliseconds(700)) != nullptr);
  CHECK(put(4, answer(), kStart + std::chrono::milliseconds(1100)));
  CHECK(find(2, kStart + std::chrono::milliseconds(1100)) != nullptr);
  CHECK(stats().expirations == 1);
  CHECK(stats().evictions == 0);
}

TEST_CASE_FIXTURE(Fixture, "cache: putting again replaces, and begins a new life") {
  put(1, answer(10));
  const CachedAnswerPtr second = answer(20);
  put(1, second, kStart + std::chrono::milliseconds(900));
  CHECK(cache.entries() == 1);
  CHECK(cache.bytes() == second->bytes());
  CHECK(find(1, kStart + std::chrono::milliseconds(1500)) == second);
}

TEST_CASE_FIXTURE(Fixture, "cache: the byte budget counts texts and what keeping them costs") {
  settings.max_size = 1'000'000;
  settings.max_bytes = 10'000;
  cache.configure(settings, kStart, dropped);
  for (int i = 0; i < 1000; ++i) put(i, answer(1));
  CHECK(cache.bytes() <= 10'000);
  CHECK(cache.entries() < 20);  // a byte of text costs hundreds
  CHECK(put(2000, answer(6'000)));
  CHECK(cache.bytes() <= 10'000);
  CHECK(find(2000) != nullptr);
  CHECK(find(999) != nullptr);
}

TEST_CASE_FIXTURE(Fixture, "cache: an entry larger than the budget throws nobody out") {
  settings.max_bytes = 10'000;
  cache.configure(settings, kStart, dropped);
  put(1);
  CHECK_FALSE(put(2, answer(10'000)));
  CHECK(find(2) == nullptr);
  CHECK(find(1) != nullptr);
}

TEST_CASE_FIXTURE(Fixture, "cache: ids and state of calls count too") {
  CachedAnswer plain;
  CachedAnswer calls;
  calls.call_ids.assign(3, std::string(100, 'i'));
  calls.call_state = std::string(1000, 's');
  CHECK(calls.bytes() >= plain.bytes() + 1300);
}

TEST_CASE_FIXTURE(Fixture, "cache: a life of nothing keeps nothing") {
  settings.ttl_ms = 0;
  cache.configure(settings, kStart, dropped);
  CHECK_FALSE(put(1));
}

TEST_CASE_FIXTURE(Fixture, "cache: smaller limits hold at once, and off means empty") {
  for (int i = 1; i <= 3; ++i) put(i);
  settings.max_size = 2;
  cache.configure(settings, kStart, dropped);
  CHECK(find(1) == nullptr);
  CHECK(find(3) != nullptr);
  settings.ttl_ms = 10;
  cache.configure(settings, kStart + std::chrono::milliseconds(5), dropped);
  CHECK(cache.entries() == 2);
  settings.enabled = false;
  cache.configure(settings, kStart, dropped);
  CHECK(cache.entries() == 0);
  CHECK(cache.bytes() == 0);
  CHECK_FALSE(put(1));
  CHECK(stats().flushed == 3);
  CHECK_FALSE(stats().enabled);
}

TEST_CASE_FIXTURE(Fixture, "cache: flushed by a pattern of either name, or all") {
  put(1, answer(10, "claude-haiku", "small"));
  put(2, answer(10, "claude-opus", "large"));
  put(3, answer(10, "other", "small"));
  CHECK(cache.flush("none*", dropped) == 0);
  CHECK(cache.flush("claude-h*", dropped) == 1);
  CHECK(find(1) == nullptr);
  CHECK(cache.flush("smal?", dropped) == 1);
  CHECK(find(2) != nullptr);
  CHECK(cache.flush("", dropped) == 1);
  CHECK(cache.bytes() == 0);
  CHECK(stats().flushed == 3);
}

TEST_CASE_FIXTURE(Fixture,
                  "cache: what is let go is handed out, and lives while somebody uses it") {
  put(1);
  const CachedAnswerPtr used = find(1);
  cache.flush("", dropped);
  REQUIRE(dropped.size() == 1);
  CHECK(dropped[0] == used);
  dropped.clear();
  CHECK(used->body.size() == 100);
}
