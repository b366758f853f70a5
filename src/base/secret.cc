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
constexpr std::string_view kKeyPrefixes[] = {"sk-",  "sk_", "AIza",   "gsk_",
                                             "xai-", "hf_", "Bearer "};
constexpr std::size_t kShortestKey = 8;

}  // namespace

std::string mask_secrets(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::size_t i = 0;
  bool in_url = false;
  while (i < text.size()) {
    bool masked = false;
    const bool at_word = i == 0 || !is_key_char(text[i - 1]);
    if (at_word) {
      for (std::string_view prefix : kKeyPrefixes) {
        if (!iequals(text.substr(i, prefix.size()), prefix)) continue;
        std::size_t end = i + prefix.size();
        while (end < text.size() && (is_key_char(text[end]) || text[end] == '*')) ++end;
        if (end - i - prefix.size() < kShortestKey) continue;
        out.append(text.substr(i, prefix.size())).append("***");
        i = end;
        masked = true;
        break;
      }
    }
    if (masked) continue;
    if (text.substr(i, 3) == "://") in_url = true;
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
