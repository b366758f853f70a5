// Secrets: wiping, comparing, masking.
#include "base/secret.h"

#include <cstring>

#include "base/text.h"

namespace clasp {

Secret::~Secret() {
  // The barrier keeps the compiler from dropping a store to memory that is about to be freed.
  std::memset(text_.data(), 0, text_.size());
  asm volatile("" : : "r"(text_.data()) : "memory");
}

bool Secret::equals(std::string_view other) const {
  if (text_.size() != other.size()) return false;
  unsigned difference = 0;
  for (std::size_t i = 0; i < other.size(); ++i)
    difference |= static_cast<unsigned char>(text_[i]) ^ static_cast<unsigned char>(other[i]);
  return difference == 0;
}

namespace {

bool is_key_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '_' || c == '.';
}

// Openings of well-known credential formats. What follows counts when it is long enough.
constexpr std::string_view kKeyPrefixes[] = {
    "sk-",  "sk_", "AIza",        "gsk_",   "xai-", "hf_",   "pplx-", "nvapi-", "csk-",
    "ghp_", "eyJ", "github_pat_", "glpat-", "r8_",  "ya29.", "AKIA",  "Bearer "};
// Words in front of a key of no known format.
constexpr std::string_view kKeyLabels[] = {
    "key provided: ", "api_key=", "api-key: ", "api_key: ", "api key: ", "apikey="};
constexpr std::size_t kShortestKey = 8;

}  // namespace

namespace {

// Length of the credential's known part at the start of `text`, and where the credential ends; 0
// when there is none.
template <std::size_t N>
std::size_t find_key(std::string_view text, const std::string_view (&openings)[N],
                     std::size_t& end) {
  for (const std::string_view opening : openings) {
    if (!iequals(text.substr(0, opening.size()), opening)) continue;
    end = opening.size();
    while (end < text.size() && (is_key_char(text[end]) || text[end] == '*')) ++end;
    if (end - opening.size() >= kShortestKey) return opening.size();
  }
  return 0;
}

// "name:password@" at the start of an authority, its length; 0 when there is none.
std::size_t userinfo_length(std::string_view text) {
  const std::string_view authority = text.substr(0, text.find_first_of("/?# \"\n"));
  const std::size_t at = authority.rfind('@');
  return at == std::string_view::npos ? 0 : at + 1;
}

}  // namespace

std::string mask_secrets(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t i = 0;
  bool in_url = false;
  while (i < text.size()) {
    if (i == 0 || !is_key_char(text[i - 1])) {
      const std::string_view rest = text.substr(i);
      std::size_t end = 0, inner = 0;
      std::size_t known = find_key(rest, kKeyPrefixes, end);
      if (known == 0) known = find_key(rest, kKeyLabels, end);
      // A known format behind the label says more than the label.
      if (known != 0 && find_key(rest.substr(known), kKeyPrefixes, inner) == 0) {
        out.append(rest.substr(0, known)).append("***");
        i += end;
        continue;
      }
    }
    if (text.substr(i, 3) == "://") {
      in_url = true;
      if (const std::size_t length = userinfo_length(text.substr(i + 3))) {
        out.append("://***@");
        i += 3 + length;
        continue;
      }
    }
    if (text[i] == ' ' || text[i] == '"' || text[i] == '\n') in_url = false;
    if (in_url && text[i] == '?') {
      out.append("?***");
      while (i < text.size() && text[i] != ' ' && text[i] != '"' && text[i] != '\n') ++i;
      in_url = false;
      continue;
    }
    out.push_back(text[i++]);
  }
  return out;
}

}  // namespace clasp
