// See test_remedies.h.
#include "daemon/test_remedies.h"

#include <algorithm>

#include "base/text.h"
#include "base/words.h"
#include "config/presets.h"

namespace clasp::daemon {

namespace {

using exchange::FailureKind;
using Kind = TestStep::Kind;

constexpr std::size_t kLongestName = 64;  // edit_distance() is quadratic
constexpr std::size_t kMostCompared = 2000;

std::string section_of(const config::BackendSettings& backend) {
  return "[backend " + backend.name + "]";
}

const config::GivenValue* find_given(const std::vector<config::GivenValue>& given,
                                     const config::BackendSettings& backend, std::string_view key) {
  const std::string provider = "[providers] " + backend.provider + "_" + std::string(key);
  for (const config::GivenValue& one : given)
    if (one.name == section_of(backend) + " " + std::string(key) ||
        one.name == "[backend] " + std::string(key) || one.name == provider)
      return &one;
  return nullptr;
}

std::string address_remedy(const TestTrouble& t) {
  const auto* place = find_given(t.given, t.backend, "base_url");
  return "base_url = " + t.backend.base_url +
         (place != nullptr ? " (" + place->place + ")" : std::string());
}

bool is_local(std::string_view host) {
  return host == "localhost" || host.starts_with("127.") || host == "::1";
}

std::string connect_remedy(const TestTrouble& t) {
  if (t.failure == FailureKind::timeout || t.timed_out)
    return "nothing answers there: is the address right, does a firewall stand between, is a proxy "
           "needed (https_proxy)? " +
           address_remedy(t);
  const bool ollama =
      t.backend.provider == "ollama" || t.backend.base_url.find(":11434") != std::string::npos;
  if (ollama) return "is it running? Start it with: ollama serve";
  if (is_local(t.step.host) || t.backend.base_url.find("//localhost") != std::string::npos ||
      t.backend.base_url.find("//127.") != std::string::npos)
    return "is the server running, and on that port? " + address_remedy(t);
  return "is the server running and the port right? " + address_remedy(t);
}

std::string tls_remedy(const TestTrouble& t) {
  const std::string_view cause = t.step.cause;
  if (icontains(cause, "mismatch")) {
    std::string names = join(t.step.tls.names, ", ");
    if (names.empty()) names = t.step.tls.subject;
    return "use a name in base_url that the certificate is for" +
           (names.empty() ? std::string() : ": " + names);
  }
  if (icontains(cause, "does not speak TLS")) return "write http:// in base_url";
  if (icontains(cause, "expired") || icontains(cause, "not yet valid"))
    return "the server needs a new certificate, or this machine's clock is wrong (timedatectl)";
  if (icontains(cause, "authority") || icontains(cause, "self-signed") ||
      icontains(cause, "self signed") || icontains(cause, "issuer"))
    return "if you trust it: put the certificate of its authority into a file and name that as "
           "ca_file in [server] (CLASP_CA_FILE)";
  return "does a TLS server listen there, and speak TLS 1.2 or later? " + address_remedy(t);
}

std::string key_remedy(const TestTrouble& t) {
  if (t.backend.api_key.empty()) return "no key is configured; " + place_of_key(t.backend, t.given);
  return "the backend does not take this key; it comes from " + place_of_key(t.backend, t.given);
}

std::string model_remedy(const TestTrouble& t) {
  const auto& names = t.models->names;
  if (std::find(names.begin(), names.end(), t.model) != names.end())
    return "the model is in the backend's list; what it says above must be about something else";
  const std::string nearest = join(nearest_models(t.model, names), ", ");
  return "the backend has no model " + scrub_utf8(t.model.substr(0, 100)) +
         (nearest.empty() ? std::string() : "; it has " + nearest) +
         " (clasp -models lists all); set model in " + section_of(t.backend) + " or CLASP_MODEL";
}

bool lacks_version(std::string_view url) {
  const std::size_t host = url.find("://");
  const std::size_t slash = url.find('/', host == url.npos ? 0 : host + 3);
  const std::string_view path = slash == url.npos ? std::string_view() : url.substr(slash);
  return path.find("/v1") == path.npos && path.find("/api") == path.npos;
}

std::string status_remedy(const TestTrouble& t) {
  const int status = t.step.status;
  const bool lists = t.models != nullptr && t.models->status == 200 && !t.models->names.empty();
  switch (status) {
    case 401:
    case 403:
      return key_remedy(t);
    case 402:
      return "the account has no money or quota left there";
    case 404:
      if (lists) return model_remedy(t);
      if (lacks_version(t.backend.base_url))
        return "there is no such path: base_url probably lacks /v1 at its end; " +
               address_remedy(t);
      return "there is no such path, or no such model: check " + address_remedy(t) +
             " and model in " + section_of(t.backend);
    case 429:
      return "the backend has had too many requests, or the account's quota is used up; try again "
             "later";
    case 301:
    case 302:
    case 307:
    case 308:
      return "the backend sends elsewhere, which is not followed: write the final address; " +
             address_remedy(t);
    default:
      break;
  }
  if (status >= 500) return "the trouble is the backend's own; its log says more";
  if (lists && icontains(t.step.cause, "model")) return model_remedy(t);
  return "the backend does not take such a request: it may need another dialect or flag in " +
         section_of(t.backend) + " (clasp.conf(5))";
}

}  // namespace

std::string place_of_key(const config::BackendSettings& backend,
                         const std::vector<config::GivenValue>& given) {
  for (const char* key : {"api_key", "api_key_file", "api_keys"})
    if (const auto* one = find_given(given, backend, key))
      return one->name + " (" + one->place + ")";
  // Of a tier or a fallback.
  for (const config::GivenValue& one : given)
    if (backend.name != backend.provider && one.secret && icontains(one.name, backend.name))
      return one.name + " (" + one.place + ")";
  const config::Preset* preset = config::find_preset(backend.provider);
  const std::string variable(preset != nullptr ? config::first_word(preset->key_env) : "");
  std::string out = variable.empty() ? std::string() : "set " + variable + ", or ";
  return out + "api_key_file in " + section_of(backend);
}

std::vector<std::string> nearest_models(std::string_view asked,
                                        const std::vector<std::string>& names) {
  constexpr std::size_t kShown = 3;
  const std::string folded = to_lower(asked.substr(0, kLongestName));
  std::vector<std::pair<std::size_t, std::string>> ranked;
  for (std::size_t i = 0; i < names.size() && i < kMostCompared; ++i) {
    const std::string name = to_lower(names[i]);
    // What contains the other is nearer than what happens to have as many letters.
    const bool part = icontains(name, folded) || icontains(folded, name);
    const std::size_t distance =
        edit_distance(folded, std::string_view(name).substr(0, kLongestName));
    ranked.emplace_back(part ? distance / 4 : distance, names[i]);
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::string> out;
  for (std::size_t i = 0; i < ranked.size() && i < kShown; ++i)
    out.push_back(scrub_utf8(ranked[i].second.substr(0, 100)));
  return out;
}

std::string remedy_for(const TestTrouble& t) {
  switch (t.step.kind) {
    case Kind::resolve:
      return "is the name spelt right? `getent hosts " + t.step.host +
             "` asks the same resolver; " + address_remedy(t);
    case Kind::connect:
      return connect_remedy(t);
    case Kind::proxy:
      return "the proxy of http_proxy or https_proxy does not let the call through; no_proxy names "
             "hosts that need none";
    case Kind::tls:
      return tls_remedy(t);
    case Kind::http:
      if (t.step.status != 0) return status_remedy(t);
      if (t.failure == FailureKind::protocol)
        return "what listens there speaks no HTTP, or wants https://; " + address_remedy(t);
      if (t.failure == FailureKind::timeout || t.timed_out)
        return "it took the request and says nothing: is it still loading the model? --timeout "
               "waits longer";
      return "the connection broke before an answer; the backend's log may say why";
    case Kind::answer:
      if (t.timed_out) return "the answer was not complete in time; --timeout waits longer";
      if (icontains(t.step.content_type, "text/html"))
        return "a web page came: base_url does not lead to an API; " + address_remedy(t);
      return "what came back is no answer of that API: does base_url lead to the right server? " +
             address_remedy(t);
  }
  return {};
}

}  // namespace clasp::daemon
