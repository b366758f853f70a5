#include "core/wire/headers.h"

#include <doctest/doctest.h>

#include <cstring>

using clasp::wire::Headers;

TEST_CASE("headers: arrival order, names without case, the first of several") {
  Headers headers{{"Accept", "a"}, {"X-Long-Name-Of-A-Field", std::string(300, 'v')}};
  headers.add("accept", "b");
  headers.add("empty", "");
  CHECK(headers.size() == 4);
  CHECK(headers.get("ACCEPT") == "a");
  CHECK(headers.get("x-long-name-of-a-field") == std::string(300, 'v'));
  CHECK(headers.find("empty") == "");
  CHECK_FALSE(headers.find("accep").has_value());
  std::string all;
  for (const auto& [name, value] : headers) all.append(name).append("=").append(value.substr(0, 1));
  CHECK(all == "Accept=aX-Long-Name-Of-A-Field=vaccept=bempty=");
}

TEST_CASE("headers: a copy stands for itself, names and values end with a NUL") {
  Headers headers{{"a", "1"}};
  const Headers copy = headers;
  headers.clear();
  headers.add("b", "22");
  for (const auto& [name, value] : copy) {
    CHECK(std::strcmp(name.data(), "a") == 0);
    CHECK(std::strcmp(value.data(), "1") == 0);
  }
  CHECK(headers.get("b") == "22");
  CHECK_FALSE(headers.find("a").has_value());
  CHECK(Headers().begin() == Headers().end());
}
