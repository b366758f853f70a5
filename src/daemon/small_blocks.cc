// operator new and delete with shelves of freed blocks, one set per thread. An exchange makes a few
// dozen small objects and many exchanges run at once: more of a size than glibc keeps for a thread
// (seven), so that most of them went through its slow path, a fifth of a small request's time.
//
// Every block comes from malloc and may go to free; a shelf only keeps some in between. Shelves are
// bounded in number and in bytes. Under the sanitizers and where blocks are not told their size
// everything goes to malloc and free at once.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace {

// The sizes that malloc has: 24, 40, 56, … bytes.
constexpr std::size_t kSmallest = 24;
constexpr std::size_t kStep = 16;
constexpr std::size_t kSizes = 256;
constexpr std::uint32_t kMostOfOneSize = 128;
constexpr std::size_t kMostBytes = 2u << 20;  // of all sizes

struct Block {
  Block* next;
};
struct Shelf {
  Block* first;
  std::uint32_t count;
};
struct Shelves {
  Shelf of[kSizes];
  std::size_t bytes;
  std::uint32_t most;  // of one size; 0: nothing is kept, not yet or not any more
  bool ended;
};

// Without constructor and destructor, so that looking at it costs one instruction.
constinit thread_local Shelves t_shelves{};

// Gives back what the thread kept.
struct Cleaner {
  ~Cleaner() {
    Shelves& shelves = t_shelves;
    shelves.most = 0;
    shelves.ended = true;
    for (Shelf& shelf : shelves.of)
      while (Block* const block = shelf.first) {
        shelf.first = block->next;
        std::free(block);
      }
  }
};

constexpr std::size_t number_of(std::size_t size) {
  return size <= kSmallest ? 0 : (size - kSmallest + kStep - 1) / kStep;
}
constexpr std::size_t size_of(std::size_t number) {
  return kSmallest + number * kStep;
}

void* allocate(std::size_t size) {
  for (;;) {
    if (void* const block = std::malloc(size)) return block;
    const std::new_handler handler = std::get_new_handler();
    if (handler == nullptr) throw std::bad_alloc();
    handler();
  }
}

// The first block of a thread.
void begin_keeping() {
  thread_local Cleaner cleaner;
  static_cast<void>(&cleaner);
  t_shelves.most = kMostOfOneSize;
}

}  // namespace

void* operator new(std::size_t size) {
  const std::size_t number = number_of(size);
  if (number >= kSizes) return allocate(size);
  Shelves& shelves = t_shelves;
  Shelf& shelf = shelves.of[number];
  Block* const block = shelf.first;
  if (block == nullptr) return allocate(size_of(number));
  shelf.first = block->next;
  --shelf.count;
  shelves.bytes -= size_of(number);
  return block;
}

void operator delete(void* pointer) noexcept {
  std::free(pointer);
}

void operator delete(void* pointer, std::size_t size) noexcept {
  const std::size_t number = number_of(size);
  if (pointer == nullptr || number >= kSizes) return std::free(pointer);
  Shelves& shelves = t_shelves;
  Shelf& shelf = shelves.of[number];
  if (shelf.count >= shelves.most || shelves.bytes + size_of(number) > kMostBytes) {
    if (shelves.most != 0 || shelves.ended) return std::free(pointer);
    begin_keeping();
  }
  auto* const block = static_cast<Block*>(pointer);
  block->next = shelf.first;
  shelf.first = block;
  ++shelf.count;
  shelves.bytes += size_of(number);
}

// The library's would do the same; another one's, loaded before it, would not.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  try {
    return operator new(size);
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

void* operator new[](std::size_t size) {
  return operator new(size);
}
void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept {
  return operator new(size, tag);
}
void operator delete[](void* pointer) noexcept {
  operator delete(pointer);
}
void operator delete[](void* pointer, std::size_t size) noexcept {
  operator delete(pointer, size);
}

#endif
