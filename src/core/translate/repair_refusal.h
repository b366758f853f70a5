// A refusal as the rows of the repair table see it: everything in lower case, and the questions
// that the rows ask of it. An internal part of repair.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "core/translate/dialect.h"

namespace clasp::translate {

struct Refusal {
  int status = 0;
  Api api = Api::chat;
  std::string text;   // message, and the provider's own text behind a router
  std::string param;  // the parameter that the server names
  std::string names;  // code and type, with spaces between

  bool has(std::string_view part) const { return text.find(part) != std::string::npos; }
  bool has_any(std::initializer_list<std::string_view> parts) const;
  // `name` as a word of the text, or named as the parameter.
  bool is_about(std::string_view name) const;
  // `name` in quotes, or named as the parameter: for fields whose name is an ordinary word.
  bool quotes(std::string_view name) const;
  // The server says that it does not know or take something.
  bool is_unsupported() const;
  // The first number in the sentence behind one of the keys, the first key that has one.
  std::optional<std::int64_t> number_after(std::initializer_list<std::string_view> keys) const;
  // The number right in front of `key`.
  std::optional<std::int64_t> number_before(std::string_view key) const;
};

Refusal read_refusal(std::string_view body);

}  // namespace clasp::translate
