// A vocabulary for tests: every byte, and then the given tokens in the order of their ranks.
#pragma once

#include <doctest/doctest.h>

#include <initializer_list>
#include <string>
#include <string_view>

#include "core/translate/bpe.h"
#include "core/wire/media_bytes.h"

namespace clasp::translate {

inline std::string vocabulary_text(std::initializer_list<std::string_view> tokens) {
  std::string text;
  int rank = 0;
  const auto add = [&](std::string_view token) {
    text.append(wire::base64_encode(token)).append(" ").append(std::to_string(rank++)).append("\n");
  };
  for (int byte = 0; byte < 256; ++byte) add(std::string(1, static_cast<char>(byte)));
  for (const std::string_view token : tokens) add(token);
  return text;
}

inline Vocabulary tiny_vocabulary(std::initializer_list<std::string_view> tokens = {}) {
  auto made = Vocabulary::parse(vocabulary_text(tokens));
  REQUIRE(made);
  return std::move(*made);
}

}  // namespace clasp::translate
