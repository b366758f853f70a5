// Endpoint URLs and the sign-in header.
#include "core/policy/backend_address.h"

#include <doctest/doctest.h>

using clasp::Secret;
using clasp::config::AuthKind;
using clasp::config::BackendSettings;
using clasp::policy::auth_header;
using clasp::policy::chat_url;
using clasp::policy::messages_url;
using clasp::policy::models_url;
using clasp::policy::names_responses;
using clasp::policy::relay_models_url;
using clasp::policy::responses_url;

namespace {

BackendSettings custom(std::string base) {
  BackendSettings backend;
  backend.provider = "custom";
  backend.base_url = std::move(base);
  return backend;
}

BackendSettings azure(std::string base, std::string deployment, std::string version) {
  BackendSettings backend = custom(std::move(base));
  backend.provider = "azure";
  backend.azure_deployment = std::move(deployment);
  backend.azure_api_version = std::move(version);
  return backend;
}

}  // namespace

TEST_CASE("the chat URL") {
  struct Row {
    const char* base;
    const char* url;
  };
  for (const Row& row : {
           Row{"https://api.openai.com/v1", "https://api.openai.com/v1/chat/completions"},
           Row{"https://api.openai.com/v1/", "https://api.openai.com/v1/chat/completions"},
           Row{"http://localhost:11434", "http://localhost:11434/v1/chat/completions"},
           Row{"http://localhost:11434/", "http://localhost:11434/v1/chat/completions"},
           Row{"https://openrouter.ai/api/v1", "https://openrouter.ai/api/v1/chat/completions"},
           Row{"http://h/v1/chat/completions", "http://h/v1/chat/completions"},
           Row{"http://h/v1/chat/completions/", "http://h/v1/chat/completions"},
           Row{"http://h?a=b", "http://h/v1/chat/completions?a=b"},
           Row{"http://h/x?a=b", "http://h/x/chat/completions?a=b"},
           Row{"http://[::1]:8000/v1", "http://[::1]:8000/v1/chat/completions"},
           Row{"https://generativelanguage.googleapis.com/v1beta/openai/",
               "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions"},
           Row{"", ""},
       })
    CHECK(chat_url(custom(row.base)) == row.url);
}

TEST_CASE("Azure, with and without versions") {
  const char* resource = "https://r.openai.azure.com";
  CHECK(chat_url(azure(resource, "gpt-4", "2024-02-15-preview")) ==
        "https://r.openai.azure.com/openai/deployments/gpt-4/chat/"
        "completions?api-version=2024-02-15-preview");
  CHECK(chat_url(azure("https://r.openai.azure.com/openai/", "gpt-4", "2024-10-21")) ==
        "https://r.openai.azure.com/openai/deployments/gpt-4/chat/"
        "completions?api-version=2024-10-21");
  CHECK(chat_url(azure(resource, "", "2024-10-21"), "my model/x") ==
        "https://r.openai.azure.com/openai/deployments/my%20model%2Fx/chat/"
        "completions?api-version=2024-10-21");
  CHECK(chat_url(azure("https://r.openai.azure.com?api-version=2025-01-01", "d", "2024-10-21")) ==
        "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=2025-01-01");
  CHECK(chat_url(azure(resource, "gpt-4", "")) ==
        "https://r.openai.azure.com/openai/v1/chat/completions");
  CHECK(chat_url(azure("https://r.services.ai.azure.com/openai/v1/", "gpt-4", "")) ==
        "https://r.services.ai.azure.com/openai/v1/chat/completions");
}

TEST_CASE("section 8: the URL of Responses, by the same rules") {
  CHECK(responses_url(custom("https://api.openai.com/v1")) ==
        "https://api.openai.com/v1/responses");
  CHECK(responses_url(custom("http://h:8000")) == "http://h:8000/v1/responses");
  CHECK(responses_url(custom("http://h/v1/chat/completions")) == "http://h/v1/responses");
  CHECK(responses_url(custom("http://h/x/responses?a=b")) == "http://h/x/responses?a=b");
  CHECK(names_responses(custom("http://h/x/responses/")));
  CHECK_FALSE(names_responses(custom("http://h/v1")));
  CHECK(chat_url(custom("http://h/x/responses")) == "http://h/x/chat/completions");
  CHECK(models_url(custom("http://h/x/responses")) == "http://h/x/models");
  const char* resource = "https://r.openai.azure.com";
  CHECK(responses_url(azure(resource, "d", "")) ==
        "https://r.openai.azure.com/openai/v1/responses");
  CHECK(responses_url(azure("https://r.openai.azure.com/openai/v1", "d", "")) ==
        "https://r.openai.azure.com/openai/v1/responses");
  CHECK(responses_url(azure(resource, "d", "2025-04-01-preview")) ==
        "https://r.openai.azure.com/openai/responses?api-version=2025-04-01-preview");
  // Versions that are older than the API.
  CHECK(responses_url(azure(resource, "d", "2024-10-21")) ==
        "https://r.openai.azure.com/openai/v1/responses");
}

TEST_CASE("the model list's URL") {
  CHECK(models_url(custom("http://h")) == "http://h/v1/models");
  CHECK(models_url(custom("http://h/api/v1/")) == "http://h/api/v1/models");
  CHECK(models_url(custom("http://h/v1/chat/completions")) == "http://h/v1/models");
  CHECK(models_url(azure("http://h", "d", "")) == "http://h/openai/v1/models");
  CHECK(models_url(azure("http://h", "d", "1")) == "http://h/openai/models?api-version=1");
}

TEST_CASE("the header that carries the key") {
  BackendSettings backend = custom("http://h");
  CHECK(!auth_header(backend));
  backend.api_key = Secret("k");
  REQUIRE(auth_header(backend));
  CHECK(auth_header(backend)->name == "authorization");
  CHECK(auth_header(backend)->value.reveal() == "Bearer k");
  backend.auth = AuthKind::api_key;
  CHECK(auth_header(backend)->name == "api-key");
  CHECK(auth_header(backend)->value.reveal() == "k");
  backend.auth = AuthKind::x_api_key;
  CHECK(auth_header(backend)->name == "x-api-key");
  backend.auth = AuthKind::none;
  CHECK(!auth_header(backend));
}

TEST_CASE("the Messages URL: /v1/messages below the base, or what is there of it") {
  struct Row {
    const char* base;
    const char* url;
  };
  for (const Row& row : {
           Row{"https://api.anthropic.com", "https://api.anthropic.com/v1/messages"},
           Row{"https://api.anthropic.com/v1/", "https://api.anthropic.com/v1/messages"},
           Row{"http://h:1/v1/messages", "http://h:1/v1/messages"},
           Row{"https://api.deepseek.com/anthropic",
               "https://api.deepseek.com/anthropic/v1/messages"},
           Row{"https://openrouter.ai/api/v1?a=b", "https://openrouter.ai/api/v1/messages?a=b"},
           Row{"", ""},
       })
    CHECK(messages_url(custom(row.base), false) == row.url);
  CHECK(messages_url(custom("http://h"), true) == "http://h/v1/messages?beta=true");
  CHECK(messages_url(custom("http://h?a=b"), true) == "http://h/v1/messages?a=b&beta=true");
  CHECK(messages_url(custom("http://h?beta=true"), true) == "http://h/v1/messages?beta=true");
  CHECK(relay_models_url(custom("http://h/v1/messages")) == "http://h/v1/models?limit=1000");
  CHECK(relay_models_url(custom("https://api.anthropic.com")) ==
        "https://api.anthropic.com/v1/models?limit=1000");
}
