#include "core/translate/signature.h"

#include <doctest/doctest.h>

using namespace clasp::translate;

TEST_CASE("a signature comes back as it went") {
  SignatureState state{"openrouter", "0123abcd", "anthropic/claude \"x\"", 'o',
                       R"([{"type":"reasoning.text","text":"ä\n"}])"};
  const std::string signature = encode_signature(state);
  CHECK(signature.starts_with("clasp1."));
  const auto back = decode_signature(signature);
  REQUIRE(back);
  CHECK(back->dialect == state.dialect);
  CHECK(back->backend == state.backend);
  CHECK(back->model == state.model);
  CHECK(back->kind == 'o');
  CHECK(back->state_json == state.state_json);
  CHECK_FALSE(encode_signature(SignatureState{}).empty());
}

TEST_CASE("the checksum is CRC-32 as everybody computes it") {
  // The JSON of an empty state, checked with another implementation.
  const std::string signature = encode_signature(SignatureState{});
  CHECK(signature.ends_with(".a0309eb4"));
}

TEST_CASE("vector 55: a signature with any byte changed is not ours") {
  const std::string good = encode_signature({"deepseek", "b", "m", 't', "{}"});
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = bad[i] == 'A' ? 'B' : 'A';
    CAPTURE(i);
    const auto state = decode_signature(bad);
    CHECK_FALSE(state);
  }
  for (std::size_t i = 0; i < good.size(); ++i) CHECK_FALSE(decode_signature(good.substr(0, i)));
  CHECK_FALSE(decode_signature("EqQBCkYIARgCIkBmb3JlaWdu"));
  CHECK_FALSE(decode_signature(""));
}
