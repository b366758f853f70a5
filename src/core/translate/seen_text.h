// What came in pieces so far, remembered by length and hash, so that a server's whole version of
// the same text can be told from it and only the rest of it be used. Private to this room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace clasp::translate {

class SeenText {
 public:
  // Gives back the piece.
  std::string_view add(std::string_view piece) {
    hash_ = more(hash_, piece);
    size_ += piece.size();
    return piece;
  }
  bool equals(std::string_view whole) const { return rest(whole) == std::string_view(""); }
  // What `whole` has behind the pieces; nothing when it does not begin with them.
  std::optional<std::string_view> rest(std::string_view whole) const {
    if (whole.size() < size_ || more(kStart, whole.substr(0, size_)) != hash_) return std::nullopt;
    return whole.substr(size_);
  }

 private:
  static constexpr std::uint64_t kStart = 14695981039346656037u;
  static std::uint64_t more(std::uint64_t hash, std::string_view text) {
    constexpr std::uint64_t kPrime = 1099511628211u;
    for (unsigned char c : text) hash = (hash ^ c) * kPrime;
    return hash;
  }

  std::uint64_t hash_ = kStart;
  std::size_t size_ = 0;
};

}  // namespace clasp::translate
