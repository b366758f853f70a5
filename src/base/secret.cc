// Secrets: wiping, comparing, masking.
#include "base/secret.h"

#include <algorithm>
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

// ---- known secrets ------------------------------------------------------------------------------

namespace {

constexpr std::size_t kShortestWord = 8;

// Without the padding, which says nothing.
std::string base64(std::string_view text) {
  std::string out = base64url_encode(text);
  std::replace(out.begin(), out.end(), '-', '+');
  std::replace(out.begin(), out.end(), '_', '/');
  return out;
}

}  // namespace

void KnownSecrets::add_word(std::string word) {
  if (word.size() < kShortestWord) return;
  const auto longer = [&](const Secret& other) { return other.reveal().size() > word.size(); };
  const auto place = std::partition_point(words_.begin(), words_.end(), longer);
  for (auto same = place; same != words_.end() && same->reveal().size() == word.size(); ++same)
    if (same->equals(word)) return;
  words_.insert(place, Secret(std::move(word)));
}

void KnownSecrets::add(std::string_view secret) {
  std::string json;
  append_json_escaped(json, scrub_utf8(secret));
  add_word(std::string(secret));
  add_word(percent_encode(secret));
  add_word(base64url_encode(secret));
  add_word(base64(secret));
  add_word(std::move(json));
}

void KnownSecrets::add_userinfo(std::string_view userinfo) {
  const std::string plain = percent_decode(userinfo).value_or(std::string(userinfo));
  add_word(std::string(userinfo));
  add_word(base64(plain));
  const std::size_t colon = plain.find(':');
  add(plain);
  if (colon == std::string::npos) return;
  add(plain.substr(colon + 1));
  add_word(std::string(userinfo.substr(userinfo.find(':') + 1)));
}

bool KnownSecrets::mask(std::string& text) const {
  bool found = false;
  for (const Secret& word : words_) {
    std::size_t at = text.find(word.reveal());
    if (at == std::string::npos) continue;
    found = true;
    std::string out;
    out.reserve(text.size());
    std::size_t from = 0;
    for (; at != std::string::npos; at = text.find(word.reveal(), from)) {
      out.append(text, from, at - from).append("***");
      from = at + word.reveal().size();
    }
    text = out.append(text, from);
  }
  return found;
}

std::string KnownSecrets::masked(std::string_view text) const {
  std::string out(text);
  mask(out);
  return out;
}

// ---- what looks like one ------------------------------------------------------------------------

namespace {

bool is_key_char(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
         c == '_' || c == '.';
}

// Openings of well-known credential formats. What follows counts when it is long enough.
constexpr std::string_view kKeyPrefixes[] = {
    "sk-",  "sk_", "AIza",        "gsk_",   "xai-", "hf_",   "pplx-", "nvapi-", "csk-",
    "ghp_", "eyJ", "github_pat_", "glpat-", "r8_",  "ya29.", "AKIA",  "Bearer "};
// Words in front of a key of no known format, each followed by a colon or an equals sign.
constexpr std::string_view kKeyLabels[] = {
    "key provided",  "api_key",      "api-key",       "x-api-key",           "api key",
    "apikey",        "access_token", "authorization", "authorization_token", "password",
    "client_secret", "set-cookie",   "cookie",        "proxy-authorization"};
constexpr std::size_t kShortestKey = 8;

}  // namespace

namespace {

// Length of the credential's known part at the start of `text`, and where the credential ends; 0
// when there is none.
std::size_t find_key(std::string_view text, std::size_t& end) {
  for (const std::string_view opening : kKeyPrefixes) {
    if (!iequals(text.substr(0, opening.size()), opening)) continue;
    end = opening.size();
    while (end < text.size() && (is_key_char(text[end]) || text[end] == '*')) ++end;
    if (end - opening.size() >= kShortestKey) return opening.size();
  }
  return 0;
}

// The same for a label: api_key=…, "api-key": "…", authorization: Basic …
std::size_t find_labelled_key(std::string_view text, std::size_t& end) {
  for (const std::string_view label : kKeyLabels) {
    if (!iequals(text.substr(0, label.size()), label)) continue;
    std::size_t at = label.size();
    const auto skip = [&](std::string_view characters) {
      while (at < text.size() && at < label.size() + 8 &&
             characters.find(text[at]) != characters.npos)
        ++at;
    };
    skip("\\\"'");
    if (at == text.size() || (text[at] != ':' && text[at] != '=')) continue;
    skip(":= \\\"'[");
    if (iequals(text.substr(at, 6), "basic ")) at += 6;
    end = at;
    while (end < text.size() && (is_key_char(text[end]) || text[end] == '*' || text[end] == '+' ||
                                 text[end] == '/' || text[end] == '='))
      ++end;
    if (end - at >= kShortestKey) return at;
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
      std::size_t known = find_key(rest, end);
      if (known == 0) known = find_labelled_key(rest, end);
      // A known format behind the label says more than the label.
      if (known != 0 && find_key(rest.substr(known), inner) == 0) {
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
