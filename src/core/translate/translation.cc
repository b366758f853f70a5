// Warnings, refusals and small text helpers of the translation. Decides nothing about content.
#include "core/translate/translation.h"

#include <openssl/evp.h>

#include <algorithm>

#include "base/text.h"

namespace clasp::translate {

namespace {

constexpr std::size_t kMaxWarnings = 32;
constexpr std::size_t kMaxToken = 64;

// Tokens go into a header field, and parts of them come from the client.
std::string clean_token(std::string_view token) {
  std::string out;
  for (char c : token.substr(0, kMaxToken)) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '-' || c == '_' || c == '.' || c == ':';
    out.push_back(good ? c : '?');
  }
  return out;
}

}  // namespace

void Translation::warn(std::string_view token, std::string_view path) {
  std::string clean = clean_token(token);
  if (target.strict) {
    refuse(path, "cannot be translated exactly (" + clean + "), and strict mode is on");
    return;
  }
  if (warnings.size() < kMaxWarnings &&
      std::find(warnings.begin(), warnings.end(), clean) == warnings.end())
    warnings.push_back(std::move(clean));
}

void Translation::warn(std::string_view token, const wire::Block& block) {
  // Looking for the path is worth it for the first refusal only.
  warn(token, target.strict && !refused() ? path_of(block) : std::string());
}

void Translation::refuse(std::string_view path, std::string_view problem) {
  if (error_) return;
  std::string message(path);
  if (!message.empty()) message += ": ";
  refuse(wire::refuse_request(message.append(problem)));
}

void Translation::refuse(wire::ApiError error) {
  if (!error_) error_ = std::move(error);
}

std::string Translation::path_of(const wire::Block& block) const {
  const auto inside = [&block](const std::vector<wire::Block>& list) {
    return !list.empty() && &block >= list.data() && &block < list.data() + list.size();
  };
  if (inside(request.system)) return "system." + std::to_string(&block - request.system.data());
  const wire::Block* around = &block;
  std::string inner;
  if (inside(request.children)) {
    const auto child = static_cast<std::uint32_t>(&block - request.children.data());
    for (const wire::Block& parent : request.blocks)
      if (child >= parent.first_child && child < parent.end_child) {
        around = &parent;
        inner = ".content." + std::to_string(child - parent.first_child);
      }
  } else if (!inside(request.blocks)) {
    return "messages";
  }
  if (!inside(request.blocks) && around == &block) return "messages";
  const auto index = static_cast<std::uint32_t>(around - request.blocks.data());
  for (std::size_t i = 0; i < request.messages.size(); ++i) {
    const wire::Message& message = request.messages[i];
    if (index >= message.first_block && index < message.end_block)
      return "messages." + std::to_string(i) + ".content." +
             std::to_string(index - message.first_block) + inner;
  }
  return "messages";
}

std::string_view Translation::keep_escaped(std::string_view text) {
  std::string out;
  append_json_escaped(out, text);
  return keep(std::move(out));
}

std::string_view trim_end_raw(std::string_view raw) {
  while (!raw.empty()) {
    const char last = raw.back();
    if (last == ' ') {
      raw.remove_suffix(1);
      continue;
    }
    if (raw.size() < 2 || (last != 'n' && last != 't' && last != 'r')) break;
    // An escape only if an odd number of backslashes stands before the letter.
    const std::size_t before = raw.find_last_not_of('\\', raw.size() - 2);
    const std::size_t start = before == std::string_view::npos ? 0 : before + 1;
    if ((raw.size() - 1 - start) % 2 == 0) break;
    raw.remove_suffix(2);
  }
  return raw;
}

bool is_blank_raw(std::string_view raw) {
  // Most texts are told by their first character.
  if (!raw.empty() && raw.front() != ' ' && raw.front() != '\\') return false;
  return trim_end_raw(raw).empty();
}

std::string sha256_hex(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  // Fails only without memory; an empty digest then still gives one well-formed result.
  if (EVP_Digest(bytes.data(), bytes.size(), digest, &length, EVP_sha256(), nullptr) != 1)
    length = 0;
  std::string hex = to_hex(std::string_view(reinterpret_cast<const char*>(digest), length));
  hex.resize(64, '0');
  return hex;
}

}  // namespace clasp::translate
