#include "base/secret.h"

#include <doctest/doctest.h>

#include <type_traits>

using namespace clasp;

TEST_CASE("secret: compares and cannot be printed") {
  const Secret key("sk-12345");
  CHECK(key.equals("sk-12345"));
  CHECK_FALSE(key.equals("sk-12346"));
  CHECK_FALSE(key.equals("sk-1234"));
  CHECK_FALSE(std::is_convertible_v<Secret, std::string>);
  CHECK_FALSE(std::is_convertible_v<Secret, std::string_view>);
}

TEST_CASE("mask_secrets: keys, bearer tokens and URL queries") {
  CHECK(mask_secrets("Incorrect API key provided: sk-abcdefgh12345678.") ==
        "Incorrect API key provided: sk-***");
  CHECK(mask_secrets("Authorization: Bearer abcdefghijkl") == "Authorization: Bearer ***");
  CHECK(mask_secrets("see https://x.test/a?key=AIzaSyA12345678&x=1 now") ==
        "see https://x.test/a?*** now");
  CHECK(mask_secrets("sk-proj-****************abcd") == "sk-***");
  // Section 6.1: keys without a known format, by the words in front; names in addresses.
  CHECK(mask_secrets("Incorrect API key provided: 0123456789abcdef0123") ==
        "Incorrect API key provided: ***");
  CHECK(mask_secrets("got api_key=0123456789abcdef here") == "got api_key=*** here");
  CHECK(mask_secrets("token eyJhbGciOiJIUzI1NiJ9.x") == "token eyJ***");
  CHECK(mask_secrets("at http://joe:secret@x.test/a") == "at http://***@x.test/a");
  CHECK(mask_secrets("the api key: missing") == "the api key: missing");
  CHECK(mask_secrets("task-force is fine, so is sk-1") == "task-force is fine, so is sk-1");
  CHECK(mask_secrets("what? nothing") == "what? nothing");
  CHECK(mask_secrets("") == "");
}
