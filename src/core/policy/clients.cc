// See clients.h. Nothing here repeats a key.
#include "core/policy/clients.h"

#include <algorithm>
#include <cstring>

#include "base/text.h"
#include "core/policy/models.h"

namespace clasp::policy {
namespace {

constexpr std::size_t kShownName = 200;

wire::ApiError unauthenticated(std::string message) {
  return wire::make_error(wire::ErrorType::authentication, std::move(message));
}

// The token behind "Bearer", any case; empty for other schemes.
std::string_view bearer_token(std::string_view value) {
  constexpr std::string_view kScheme = "bearer";
  value = trim(value);
  if (value.size() <= kScheme.size() || !iequals(value.substr(0, kScheme.size()), kScheme))
    return {};
  const char next = value[kScheme.size()];
  if (next != ' ' && next != '\t') return {};
  return trim(value.substr(kScheme.size()));
}

bool has_expired(const config::ClientSettings& client, std::int64_t now) {
  return client.expires != 0 && now >= client.expires;
}

int hex_digit(char c) {
  return c <= '9' ? c - '0' : c - 'a' + 10;
}

// Of 64 lower-case hex digits, as the configuration keeps them.
Sha256 parse_digest(std::string_view hex) {
  Sha256 digest{};
  for (std::size_t i = 0; i < digest.size() && 2 * i + 1 < hex.size(); ++i)
    digest[i] = static_cast<unsigned char>(hex_digit(hex[2 * i]) * 16 + hex_digit(hex[2 * i + 1]));
  return digest;
}

}  // namespace

PresentedKeys presented_keys(const wire::Headers& headers) {
  PresentedKeys keys;
  const auto note = [&keys](std::string_view& slot, std::string_view value) {
    if (value.empty()) return;
    if (!slot.empty() && slot != value) keys.repeated = true;
    slot = value;
  };
  for (const auto& [name, value] : headers) {
    if (iequals(name, "x-api-key"))
      note(keys.x_api_key, trim(value));
    else if (iequals(name, "authorization"))
      note(keys.bearer, bearer_token(value));
  }
  return keys;
}

std::size_t Clients::DigestHash::operator()(const Sha256& digest) const {
  std::size_t hash = 0;
  std::memcpy(&hash, digest.data(), sizeof hash);
  return hash;
}

Clients::Clients(const config::AuthSettings& settings) : required_(settings.enabled) {
  for (const config::ClientSettings& one : settings.clients) {
    const auto client = std::make_shared<const config::ClientSettings>(one);
    for (const std::string& hash : one.key_hashes) by_key_.emplace(parse_digest(hash), client);
    if (!one.certificate.empty()) by_certificate_.emplace(one.certificate, client);
  }
}

ClientPtr Clients::find(std::string_view key) const {
  if (key.empty()) return nullptr;
  const auto found = by_key_.find(sha256(key));
  return found == by_key_.end() ? nullptr : found->second;
}

Result<ClientPtr, wire::ApiError> Clients::identify(const PresentedKeys& keys,
                                                    std::string_view certificate_name,
                                                    std::int64_t now) const {
  // Whoever stands in front of us may have looked at the other one.
  if (keys.repeated)
    return tl::unexpected(unauthenticated("the request has several keys in headers of one name"));
  bool expired = false;
  const auto valid = [&](ClientPtr client) {
    if (!client || !has_expired(*client, now)) return client;
    expired = true;
    return ClientPtr();
  };
  const ClientPtr first = valid(find(keys.x_api_key));
  const ClientPtr second = keys.bearer == keys.x_api_key ? first : valid(find(keys.bearer));
  if (first && second && first != second)
    return tl::unexpected(
        unauthenticated("x-api-key and Authorization are keys of different clients"));
  if (first || second) return first ? first : second;
  if (!certificate_name.empty()) {
    const auto found = by_certificate_.find(std::string(certificate_name));
    if (found != by_certificate_.end())
      if (ClientPtr client = valid(found->second)) return client;
  }
  if (expired) return tl::unexpected(unauthenticated("this API key has expired"));
  if (!keys.x_api_key.empty()) return tl::unexpected(unauthenticated("invalid x-api-key"));
  if (!keys.bearer.empty()) return tl::unexpected(unauthenticated("Invalid bearer token"));
  return tl::unexpected(unauthenticated("x-api-key header is required"));
}

bool may_ask_for(const config::ClientSettings& client, std::string_view model) {
  if (client.models.empty()) return true;
  const std::string whole = to_lower(model);
  const std::string_view plain = strip_context_suffix(whole);
  return std::any_of(client.models.begin(), client.models.end(), [&](const std::string& pattern) {
    return glob_match(pattern, whole) || glob_match(pattern, plain);
  });
}

wire::ApiError model_refusal(std::string_view model) {
  return wire::make_error(wire::ErrorType::permission, "your key does not allow the model " +
                                                           scrub_utf8(model.substr(0, kShownName)));
}

Secret key_to_pass(const wire::Headers& headers, const config::ClientSettings* client) {
  const PresentedKeys keys = presented_keys(headers);
  if (keys.x_api_key.empty() || keys.bearer.empty() || keys.x_api_key == keys.bearer)
    return Secret(std::string(keys.x_api_key.empty() ? keys.bearer : keys.x_api_key));
  bool ours = false;
  if (client != nullptr) {
    const std::string hash = sha256_hex(keys.x_api_key);
    const auto& list = client->key_hashes;
    ours = std::find(list.begin(), list.end(), hash) != list.end();
  }
  return Secret(std::string(ours ? keys.bearer : keys.x_api_key));
}

}  // namespace clasp::policy
