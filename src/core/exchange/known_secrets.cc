// See known_secrets.h.
#include "core/exchange/known_secrets.h"

#include <algorithm>
#include <map>

#include "base/text.h"

namespace clasp::exchange {

namespace {

// Headers that people set and whose values say nothing; masking them would only garble texts.
constexpr std::string_view kHarmless[] = {
    "accept",     "accept-encoding",     "accept-language", "anthropic-beta", "anthropic-version",
    "user-agent", "content-type",        "http-referer",    "referer",        "origin",
    "x-title",    "openai-organization", "openai-project",  "openai-beta"};

void add_headers(KnownSecrets& secrets, const std::map<std::string, std::string>& headers) {
  for (const auto& [name, value] : headers) {
    const auto same = [&name = name](std::string_view other) { return iequals(name, other); };
    if (std::any_of(std::begin(kHarmless), std::end(kHarmless), same)) continue;
    secrets.add(value);
    // The key behind "Bearer " alone.
    if (const std::size_t blank = value.find(' '); blank != std::string::npos)
      secrets.add(trim(std::string_view(value).substr(blank)));
  }
}

void add_query(KnownSecrets& secrets, std::string_view url) {
  const std::size_t question = url.find('?');
  if (question == std::string_view::npos) return;
  for (const std::string_view parameter : split(url.substr(question + 1), '&')) {
    const std::string_view name = parameter.substr(0, parameter.find('='));
    if (name.size() == parameter.size() || iequals(name, "api-version")) continue;
    secrets.add(parameter.substr(name.size() + 1));
  }
}

}  // namespace

KnownSecrets known_secrets(const config::Settings& settings, KnownSecrets secrets) {
  for (const config::BackendSettings& backend : settings.backends) {
    secrets.add(backend.api_key.reveal());
    for (const Secret& key : backend.more_keys) secrets.add(key.reveal());
    add_headers(secrets, backend.extra_headers);
    add_query(secrets, backend.base_url);
  }
  add_query(secrets, settings.tracing.otlp_url);
  add_headers(secrets, settings.tracing.headers);
  return secrets;
}

}  // namespace clasp::exchange
