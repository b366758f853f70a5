// What an address says about its server.
#include "core/exchange/catalog.h"

#include <doctest/doctest.h>

#include "core/translate/family.h"

using namespace clasp;

namespace {

translate::Dialect dialect_of(config::BackendSettings backend) {
  auto settings = std::make_shared<config::Settings>();
  settings->backends.push_back(std::move(backend));
  auto catalog = exchange::make_catalog(settings);
  REQUIRE(catalog);
  return (*catalog)->backends.front().dialect;
}

config::BackendSettings at(const std::string& dialect, const std::string& url) {
  config::BackendSettings backend;
  backend.provider = backend.dialect = dialect;
  backend.base_url = url;
  return backend;
}

}  // namespace

TEST_CASE("§2.4 deepseek continues an answer that was begun only under /beta") {
  using translate::Prefill;
  CHECK(dialect_of(at("deepseek", "https://api.deepseek.com/beta")).prefill == Prefill::prefix);
  CHECK(dialect_of(at("deepseek", "https://api.deepseek.com/beta/chat/completions?x=1")).prefill ==
        Prefill::prefix);
  CHECK(dialect_of(at("deepseek", "https://api.deepseek.com/v1")).prefill == Prefill::emulate);
  CHECK(dialect_of(at("generic", "https://api.deepseek.com/beta")).prefill == Prefill::emulate);
  config::BackendSettings own = at("deepseek", "https://api.deepseek.com/beta/");
  own.flags = {{"prefill", "emulate"}};
  CHECK(dialect_of(own).prefill == Prefill::emulate);
}

TEST_CASE("§1.2 azure's old API versions know max_tokens only") {
  using translate::CapField;
  config::BackendSettings azure = at("azure", "https://r.openai.azure.com");
  const auto with = [&azure](const char* version) {
    azure.azure_api_version = version;
    return dialect_of(azure);
  };
  for (const char* old : {"2023-05-15", "2024-06-01", "2024-08-01-preview"}) {
    const translate::Dialect dialect = with(old);
    CHECK(translate::make_profile(dialect, "gpt-4o").cap == CapField::max_tokens);
    CHECK(translate::make_profile(dialect, "o1").role == translate::SystemRole::system);
    CHECK_FALSE(dialect.stream_options);
  }
  for (const char* known : {"", "2024-09-01-preview", "2024-10-21", "v1", "preview"})
    CHECK(with(known).cap == CapField::max_completion_tokens);
  azure.flags = {{"cap", "max_completion_tokens"}};
  CHECK(with("2024-06-01").cap == CapField::max_completion_tokens);
}
