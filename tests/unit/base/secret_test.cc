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

TEST_CASE("mask_secrets: labels as headers, JSON and JSON in JSON spell them") {
  CHECK(mask_secrets(R"({"api_key":"0123456789abcdef","a":1})") == R"({"api_key":"***","a":1})");
  CHECK(mask_secrets(R"({"x-api-key": ["0123456789+/=="]})") == R"({"x-api-key": ["***"]})");
  CHECK(mask_secrets(R"({"authorization_token":"am9lOnNlY3JldA"})") ==
        R"({"authorization_token":"***"})");
  CHECK(mask_secrets(R"({\"authorization\": \"Basic am9lOnNlY3JldA==\"})") ==
        R"({\"authorization\": \"Basic ***\"})");
  CHECK(mask_secrets(R"({"Authorization":"Bearer 0123456789"})") ==
        R"({"Authorization":"Bearer ***"})");
  CHECK(mask_secrets("password=correcthorse") == "password=***");
  CHECK(mask_secrets("api_key is missing, password: none") == "api_key is missing, password: none");
}

TEST_CASE("known secrets: word for word, in every spelling") {
  KnownSecrets secrets;
  secrets.add("short");
  CHECK(secrets.empty());
  secrets.add("plain-words");
  secrets.add("plain-words-and-more");
  secrets.add("with\"quote/+");
  secrets.add_userinfo("joe:p%40ssword-1");
  CHECK(secrets.masked("plain-words, plain-words-and-more.") == "***, ***.");
  CHECK(secrets.masked("with\"quote/+ with\\\"quote/+ with%22quote%2F%2B") == "*** *** ***");
  CHECK(secrets.masked("joe:p%40ssword-1 p@ssword-1 p%40ssword-1") == "*** *** ***");
  CHECK(secrets.masked("Basic am9lOnBAc3N3b3JkLTE=") == "Basic ***=");
  CHECK(secrets.masked("a short plain text") == "a short plain text");
  std::string text = "nothing";
  CHECK_FALSE(secrets.mask(text));
}
