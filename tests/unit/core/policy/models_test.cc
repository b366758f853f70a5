// Which model is asked for: each rule, and which rule is stronger.
#include "core/policy/models.h"

#include <doctest/doctest.h>

using clasp::config::BackendSettings;
using clasp::config::ModelSettings;
using clasp::policy::resolve_model;

TEST_CASE("without any setting the client's name is passed on") {
  CHECK(resolve_model({}, {}, "claude-sonnet-4-5") == "claude-sonnet-4-5");
  CHECK(resolve_model({}, {}, "claude-sonnet-4-5[1m]") == "claude-sonnet-4-5");
  CHECK(resolve_model({}, {}, "[1m]") == "[1m]");
  CHECK(resolve_model({}, {}, "") == "");
}

TEST_CASE("the order of the rules") {
  ModelSettings models;
  BackendSettings backend;
  models.default_model = "default";
  CHECK(resolve_model(models, backend, "claude-opus-4") == "default");
  backend.model = "backend";
  CHECK(resolve_model(models, backend, "claude-opus-4") == "backend");
  models.opus = "tier";
  CHECK(resolve_model(models, backend, "Claude-OPUS-4") == "tier");
  CHECK(resolve_model(models, backend, "claude-haiku-4") == "backend");
  models.aliases["claude-*"] = "glob";
  CHECK(resolve_model(models, backend, "claude-opus-4") == "glob");
  models.aliases["claude-opus-*"] = "longer glob";
  CHECK(resolve_model(models, backend, "claude-opus-4") == "longer glob");
  models.aliases["claude-opus-4"] = "exact";
  CHECK(resolve_model(models, backend, "claude-opus-4") == "exact");
  CHECK(resolve_model(models, backend, "claude-opus-4[1m]") == "exact");
  CHECK(resolve_model(models, backend, "Claude-Opus-4") == "exact");
}

TEST_CASE("all three tiers") {
  ModelSettings models;
  models.opus = "o";
  models.sonnet = "s";
  models.haiku = "h";
  CHECK(resolve_model(models, {}, "claude-3-opus-20240229") == "o");
  CHECK(resolve_model(models, {}, "claude-3-5-sonnet-20241022") == "s");
  CHECK(resolve_model(models, {}, "claude-haiku-4-5") == "h");
  CHECK(resolve_model(models, {}, "gpt-4o") == "gpt-4o");
}

TEST_CASE("an alias is not followed a second time") {
  ModelSettings models;
  models.aliases = {{"a", "b"}, {"b", "a"}};
  CHECK(resolve_model(models, {}, "a") == "b");
}
