// What an operator is told to do about a test of a backend that failed.
#include "daemon/test_remedies.h"

#include <doctest/doctest.h>

using namespace clasp;
using namespace clasp::daemon;
using exchange::FailureKind;
using Kind = TestStep::Kind;

namespace {

struct Case {
  config::BackendSettings backend;
  std::vector<config::GivenValue> given;
  TestStep step;
  std::optional<FailureKind> failure;
  bool timed_out = false;
  std::optional<ModelsAnswer> models;

  Case(Kind kind, std::string cause, int status = 0) {
    backend.name = backend.provider = "openai";
    backend.base_url = "https://api.example/v1";
    step.kind = kind;
    step.cause = std::move(cause);
    step.status = status;
    step.host = "api.example";
  }
  std::string remedy() const {
    return remedy_for(
        {backend, given, step, "gpt-5", failure, timed_out, models ? &*models : nullptr});
  }
  bool says(std::string_view part) const { return remedy().find(part) != std::string::npos; }
};

}  // namespace

TEST_CASE("a name, a port, a proxy") {
  CHECK(Case(Kind::resolve, "name or service not known").says("`getent hosts api.example`"));
  Case refused(Kind::connect, "connection refused");
  refused.failure = FailureKind::connect;
  CHECK(refused.says("is the server running"));
  refused.backend.base_url = "http://localhost:11434/v1";
  CHECK(refused.remedy() == "is it running? Start it with: ollama serve");
  refused.backend.base_url = "http://127.0.0.1:8000/v1";
  refused.given = {{"[backend openai] base_url", "x", "file", "clasp.conf:3"}};
  CHECK(refused.remedy() ==
        "is the server running, and on that port? base_url = http://127.0.0.1:8000/v1 "
        "(clasp.conf:3)");
  refused.failure = FailureKind::timeout;
  CHECK(refused.says("https_proxy"));
  CHECK(Case(Kind::proxy, "refused with status 407").says("no_proxy"));
}

TEST_CASE("a certificate that is not believed") {
  Case tls(Kind::tls, "certificate of api.example: host name mismatch");
  tls.step.tls.names = {"a.example", "b.example"};
  CHECK(tls.remedy() == "use a name in base_url that the certificate is for: a.example, b.example");
  for (const char* cause : {"certificate of x: self-signed certificate in certificate chain",
                            "certificate of x: issued by an unknown authority (is its CA file "
                            "configured?)",
                            "certificate of x: unable to get issuer certificate"})
    CHECK_MESSAGE(Case(Kind::tls, cause).says("ca_file in [server]"), cause);
  CHECK(Case(Kind::tls, "certificate of x: certificate has expired").says("timedatectl"));
  CHECK(Case(Kind::tls, "TLS handshake with x: the other side does not speak TLS").remedy() ==
        "write http:// in base_url");
}

TEST_CASE("a key: which one, and where it is set") {
  Case key(Kind::http, "no", 401);
  CHECK(key.remedy() ==
        "no key is configured; set OPENAI_API_KEY, or api_key_file in [backend openai]");
  key.backend.api_key = Secret("sk-something-secret");
  key.given = {{"[providers] openai_api_key", "***", "environment",
                "environment variable OPENAI_API_KEY", true}};
  CHECK(key.remedy() ==
        "the backend does not take this key; it comes from [providers] openai_api_key "
        "(environment variable OPENAI_API_KEY)");
  CHECK(!key.says("sk-something"));
}

TEST_CASE("404: the model, or the path") {
  Case missing(Kind::http, "not found", 404);
  missing.models = ModelsAnswer{200, {"gpt-4o", "gpt-5.1", "gpt-5.1-mini", "whisper"}};
  CHECK(missing.says("the backend has no model gpt-5; it has gpt-5.1, gpt-5.1-mini, "));
  CHECK(missing.says("CLASP_MODEL"));
  missing.models = ModelsAnswer{404, {}};
  CHECK(missing.says("or no such model"));
  missing.backend.base_url = "https://api.example/openai";
  CHECK(missing.says("base_url probably lacks /v1 at its end"));
  // A refusal for another reason is not about the model only because a list was had.
  Case refused(Kind::http, "temperature is not supported", 400);
  refused.models = ModelsAnswer{200, {"gpt-5"}};
  CHECK(refused.says("another dialect or flag"));
}

TEST_CASE("everything else") {
  CHECK(Case(Kind::http, "x", 503).says("backend's own"));
  CHECK(Case(Kind::http, "x", 302).says("final address"));
  CHECK(Case(Kind::http, "x", 402).says("no money"));
  Case silent(Kind::http, "x");
  silent.timed_out = true;
  CHECK(silent.says("--timeout"));
  Case page(Kind::answer, "x");
  page.step.content_type = "text/html; charset=utf-8";
  CHECK(page.says("a web page came"));
}

TEST_CASE("the nearest names, however long the list and the names") {
  CHECK(nearest_models("LLAMA3", {"qwen", "llama3.1:8b", "llama2"}).front() == "llama3.1:8b");
  CHECK(nearest_models("x", {}).empty());
  const std::vector<std::string> many(5000, std::string(5000, 'm'));
  const auto found = nearest_models(std::string(5000, 'm'), many);
  REQUIRE(found.size() == 3);
  CHECK(found.front().size() == 100);
}
