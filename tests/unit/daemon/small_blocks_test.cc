// The daemon's operator new and delete: blocks of all sizes, on several threads at once, freed by
// others than those that made them. Where shelves are off this tests the library's.
#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Piece {
  unsigned char* data;
  std::size_t size;
  unsigned char mark;
};

Piece make(std::size_t size, unsigned char mark) {
  auto* data = static_cast<unsigned char*>(operator new(size));
  std::memset(data, mark, size);
  return {data, size, mark};
}

// True when nobody else has written there.
bool unmake(const Piece& piece, bool sized) {
  bool whole = true;
  for (std::size_t i = 0; i < piece.size; ++i) whole = whole && piece.data[i] == piece.mark;
  if (sized)
    operator delete(piece.data, piece.size);
  else
    operator delete(piece.data);
  return whole;
}

}  // namespace

TEST_CASE("small blocks: all sizes are aligned, apart from each other, and come again") {
  for (int round = 0; round < 3; ++round) {
    std::vector<Piece> pieces;
    for (std::size_t size = 0; size < 5000; size += 1 + size / 64)
      for (unsigned char copy = 1; copy <= 3; ++copy) {
        pieces.push_back(make(size, static_cast<unsigned char>(size * 7 + copy)));
        CHECK(reinterpret_cast<std::uintptr_t>(pieces.back().data) %
                  __STDCPP_DEFAULT_NEW_ALIGNMENT__ ==
              0);
      }
    bool whole = true, sized = false;
    for (const Piece& piece : pieces) whole = unmake(piece, sized = !sized) && whole;
    CHECK(whole);
  }
  operator delete (nullptr, std::size_t{8});
}

TEST_CASE("small blocks: threads free what others have made, and end") {
  std::mutex mutex;
  std::vector<Piece> shared;
  bool whole = true;
  const auto work = [&](std::uint32_t seed) {
    for (int i = 0; i < 20'000; ++i) {
      seed = seed * 1664525 + 1013904223;
      const Piece made = make((seed >> 8) % 700, static_cast<unsigned char>(seed >> 24));
      const std::lock_guard lock(mutex);
      shared.push_back(made);
      if (shared.size() < 300) continue;
      std::swap(shared[(seed >> 4) % shared.size()], shared.back());
      whole = unmake(shared.back(), seed % 5 != 0) && whole;
      shared.pop_back();
    }
  };
  for (int round = 0; round < 3; ++round) {
    std::vector<std::thread> threads;
    for (std::uint32_t seed = 1; seed <= 4; ++seed) threads.emplace_back(work, seed);
    for (std::thread& thread : threads) thread.join();
  }
  for (const Piece& piece : shared) whole = unmake(piece, true) && whole;
  CHECK(whole);
}

TEST_CASE("small blocks: what cannot be had is told as ever") {
  CHECK_THROWS_AS(static_cast<void>(std::string(std::string().max_size() / 2, 'x')),
                  std::bad_alloc);
  volatile std::size_t much = SIZE_MAX / 2;
  CHECK(operator new(much, std::nothrow) == nullptr);
}
