#include "core/exchange/model_list.h"

#include <doctest/doctest.h>
#include <jansson.h>

using namespace clasp;
using exchange::render_model_list;

namespace {

// The ids of a page, then "+" when there are more, then first and last.
std::string page(const std::vector<std::string>& names, std::string_view query) {
  std::vector<exchange::ListedModel> models;
  for (const std::string& name : names) models.push_back({.id = name});
  const std::string text = render_model_list(models, query);
  json_t* root = json_loadb(text.data(), text.size(), 0, nullptr);
  REQUIRE(root != nullptr);
  std::string out;
  std::size_t i;
  json_t* item;
  json_array_foreach(json_object_get(root, "data"), i, item) {
    CHECK(std::string(json_string_value(json_object_get(item, "type"))) == "model");
    out += json_string_value(json_object_get(item, "id"));
  }
  if (json_is_true(json_object_get(root, "has_more"))) out += "+";
  const json_t* first = json_object_get(root, "first_id");
  const json_t* last = json_object_get(root, "last_id");
  out += json_is_null(first)
             ? " none"
             : std::string(" ") + json_string_value(first) + json_string_value(last);
  json_decref(root);
  return out;
}

exchange::CatalogPtr catalog_of(config::Settings settings) {
  settings.backends[0].dialect = "generic";
  const auto catalog = exchange::make_catalog(std::make_shared<const config::Settings>(settings));
  REQUIRE(catalog);
  return *catalog;
}

std::string listed(const config::Settings& settings) {
  std::string out;
  for (const auto& model : exchange::client_models(*catalog_of(settings))) out += model.id + " ";
  return out;
}

}  // namespace

TEST_CASE("models: names that clients may ask for") {
  config::Settings settings;
  settings.models.aliases = {{"claude-fast", "x"}, {"gpt-*", "y"}};
  settings.models.opus = "big";
  settings.models.default_model = "gpt-4o";
  settings.backends.emplace_back().model = "gpt-4o";
  CHECK(listed(settings) == "claude-fast claude-opus gpt-4o ");
  // Routes are names too, patterns are none.
  settings.routing.routes.push_back({"claude-routed", {{{"", "x", 1}}}});
  settings.routing.routes.push_back({"claude-*-x", {{{"", "x", 1}}}});
  settings.routing.haiku = {{{"", "small", 1}}};
  CHECK(listed(settings) == "claude-fast claude-haiku claude-opus claude-routed gpt-4o ");
}

TEST_CASE("models: limits and names of [model] sections, where client names map there") {
  config::Settings settings;
  settings.models.aliases = {{"claude-fast", "Qwen3-Coder"}};
  settings.backends.emplace_back().context_window = 8192;
  settings.models.rules.resize(2);
  settings.models.rules[0].name = settings.models.rules[0].pattern = "qwen*";
  settings.models.rules[0].max_output = 4096;
  settings.models.rules[1].name = "Qwen3-Coder";
  settings.models.rules[1].pattern = "qwen3-coder";
  settings.models.rules[1].display_name = "Qwen 3";
  settings.models.rules[1].context_window = 262144;
  CHECK(listed(settings) == "Qwen3-Coder claude-fast ");
  const auto models = exchange::client_models(*catalog_of(settings));
  const std::string list = render_model_list(models, "");
  CHECK(list.find(R"("id":"claude-fast","display_name":"Qwen 3")") != std::string::npos);
  CHECK(exchange::render_model(models, "claude-fast")
            ->find(R"("max_input_tokens":262144,"max_tokens":4096)") != std::string::npos);
  // Mapped away by the backend's own model: the section's name is none that clients could ask for.
  settings.backends[0].model = "llama";
  CHECK(listed(settings) == "claude-fast llama ");
  CHECK(exchange::render_model(exchange::client_models(*catalog_of(settings)), "llama")
            ->find(R"("max_input_tokens":8192,"max_tokens":null)") != std::string::npos);
}

TEST_CASE("models: what routes and tiers offer, and no name that leads elsewhere") {
  config::Settings settings;
  config::BackendSettings first, second;
  first.name = "first";
  second.name = "second";
  first.provider = second.provider = "custom";
  second.dialect = "generic";
  second.model = "second-model";
  settings.backends = {first, second};
  settings.routing.opus = {{{"second", "big", 1}}};
  settings.routing.routes = {{"smart", {{{"second", "", 1}}}}, {"gpt-*", {{{"second", "", 1}}}}};
  const auto models = exchange::client_models(*catalog_of(settings));
  std::string ids;
  for (const auto& model : models) ids += model.id + " ";
  CHECK(ids == "claude-opus smart ");
}

TEST_CASE("models: pages") {
  const std::vector<std::string> models{"a", "b", "c", "d"};
  CHECK(page(models, "") == "abcd ad");
  CHECK(page(models, "limit=2") == "ab+ ab");
  CHECK(page(models, "limit=2&after_id=b") == "cd cd");
  CHECK(page(models, "after_id=d") == " none");
  CHECK(page(models, "limit=2&before_id=d") == "bc+ bc");
  CHECK(page(models, "before_id=b&limit=9") == "a aa");
  CHECK(page(models, "limit=0") == "abcd ad");
  CHECK(page(models, "limit=x&after_id=%61") == "bcd bd");
  CHECK(page({}, "limit=1000") == " none");
  CHECK(page(models, "limit=99999") == "abcd ad");
  CHECK(page(models, "limit=-1") == "abcd ad");
  CHECK(page(models, "after_id=zzz") == " none");
  CHECK(page(models, "before_id=zzz") == " none");
  CHECK(page(models, "before_id=a") == " none");
  std::vector<std::string> many;
  for (int i = 100; i < 130; ++i) many.push_back(std::to_string(i));
  CHECK(page(many, "").ends_with("119+ 100119"));
}

TEST_CASE("models: by their stage of life") {
  const std::vector<std::string> models{"a", "b"};
  for (const char* query : {"lifecycle=active", "lifecycle[]=active", "lifecycle%5B%5D=active",
                            "lifecycle=deprecated&lifecycle=active", "lifecycle=deprecated,active"})
    CHECK(page(models, query) == "ab ab");
  for (const char* query : {"lifecycle=deprecated", "lifecycle[]=retired", "lifecycle="})
    CHECK(page(models, query) == " none");
}

TEST_CASE("models: one by its name") {
  const std::vector<exchange::ListedModel> models{{.id = "a/b"}, {.id = "c"}};
  CHECK(exchange::render_model(models, "a%2Fb"));
  CHECK(exchange::render_model(models, "c[1m]"));
  CHECK(exchange::render_model(models, "c%5B1m%5D"));
  CHECK_FALSE(exchange::render_model(models, "d"));
  CHECK_FALSE(exchange::render_model(models, ""));
}
