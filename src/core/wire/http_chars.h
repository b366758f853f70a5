// Which bytes HTTP allows where, as tables made by the compiler.
#pragma once

#include <array>
#include <string_view>

namespace clasp::wire {

namespace detail {

constexpr std::array<bool, 256> make_token_table() {
  std::array<bool, 256> table{};
  for (int c = 0x21; c < 0x7f; ++c) table[static_cast<std::size_t>(c)] = true;
  for (const char c : std::string_view("\"(),/:;<=>?@[\\]{}"))
    table[static_cast<unsigned char>(c)] = false;
  return table;
}

constexpr std::array<bool, 256> make_field_table() {
  std::array<bool, 256> table{};
  for (std::size_t c = 0; c < 256; ++c) table[c] = (c >= 0x20 && c != 0x7f) || c == '\t';
  return table;
}

inline constexpr auto kToken = make_token_table();
inline constexpr auto kField = make_field_table();

}  // namespace detail

// Methods and field names.
inline bool is_token(std::string_view text) {
  for (const char c : text)
    if (!detail::kToken[static_cast<unsigned char>(c)]) return false;
  return !text.empty();
}

// Field values: no control character but TAB. One of them would reach logs and clients; CR, LF and
// NUL hide tricks.
inline bool is_field_value(std::string_view text) {
  for (const char c : text)
    if (!detail::kField[static_cast<unsigned char>(c)]) return false;
  return true;
}

}  // namespace clasp::wire
