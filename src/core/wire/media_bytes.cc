// See media_bytes.h.
#include "core/wire/media_bytes.h"

#include <openssl/evp.h>

#include <array>

#include "base/text.h"

namespace clasp::wire {

namespace {

constexpr std::size_t kPdfPreamble = 1024;

constexpr std::array<signed char, 256> make_table() {
  std::array<signed char, 256> table{};
  for (auto& value : table) value = -1;
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < kAlphabet.size(); ++i)
    table[static_cast<unsigned char>(kAlphabet[i])] = static_cast<signed char>(i);
  return table;
}
constexpr auto kTable = make_table();

bool is_space(char c) {
  return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

// Where the text ends that is at most `limit` long and cuts no character in two.
std::size_t character_end(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text.size();
  std::size_t end = limit;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return end;
}

}  // namespace

MediaType sniff_media(std::string_view bytes) {
  using namespace std::string_view_literals;
  if (bytes.starts_with("\xFF\xD8\xFF")) return MediaType::jpeg;
  if (bytes.starts_with("\x89PNG\r\n\x1A\n")) return MediaType::png;
  if (bytes.starts_with("GIF87a") || bytes.starts_with("GIF89a")) return MediaType::gif;
  if (bytes.starts_with("RIFF") && bytes.size() >= 12 && bytes.substr(8, 4) == "WEBP")
    return MediaType::webp;
  if (bytes.substr(0, kPdfPreamble).find("%PDF-"sv) != std::string_view::npos)
    return MediaType::pdf;
  return MediaType::unknown;
}

std::string_view render_media_type(MediaType type) {
  switch (type) {
    case MediaType::jpeg:
      return "image/jpeg";
    case MediaType::png:
      return "image/png";
    case MediaType::gif:
      return "image/gif";
    case MediaType::webp:
      return "image/webp";
    case MediaType::pdf:
      return "application/pdf";
    case MediaType::unknown:
      break;
  }
  return {};
}

std::string base64_encode(std::string_view bytes) {
  // EVP_EncodeBlock writes a zero behind the text, where std::string has one anyway.
  std::string out((bytes.size() + 2) / 3 * 4, '\0');
  EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                  reinterpret_cast<const unsigned char*>(bytes.data()),
                  static_cast<int>(bytes.size()));
  return out;
}

std::string base64_prefix(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3);
  unsigned bits = 0;
  int held = 0;
  for (const char c : text) {
    const int value = kTable[static_cast<unsigned char>(c)];
    if (value < 0) break;
    bits = (bits << 6) | static_cast<unsigned>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out.push_back(static_cast<char>((bits >> held) & 255));
  }
  return out;
}

std::optional<std::string> base64_decode(std::string_view text) {
  std::string out;
  out.reserve(text.size() / 4 * 3 + 3);
  unsigned bits = 0;
  int held = 0;
  bool padded = false;
  for (const char c : text) {
    if (is_space(c)) continue;
    if (c == '=') {
      padded = true;
      continue;
    }
    const int value = kTable[static_cast<unsigned char>(c)];
    if (value < 0 || padded) return std::nullopt;
    bits = (bits << 6) | static_cast<unsigned>(value);
    held += 6;
    if (held < 8) continue;
    held -= 8;
    out.push_back(static_cast<char>((bits >> held) & 255));
  }
  return out;
}

CleanText clean_document_text(std::string_view text, std::size_t limit) {
  CleanText out;
  const std::size_t end = character_end(text, limit);
  out.cut = end < text.size();
  std::string& clean = out.text;
  clean = scrub_utf8(text.substr(0, end));
  std::size_t kept = 0;
  std::size_t newlines = 2;  // at the end so far; more than a blank line says nothing
  for (const char c : clean) {
    const auto byte = static_cast<unsigned char>(c);
    const bool newline = c == '\n' || c == '\f';
    if ((byte < 0x20 && c != '\t' && !newline) || byte == 0x7F) continue;
    // The page break follows a newline: together they are a blank line.
    if (newline && ++newlines > 2) continue;
    if (!newline) newlines = 0;
    clean[kept++] = newline ? '\n' : c;
  }
  clean.resize(kept);
  while (!clean.empty() && (is_space(clean.back()))) clean.pop_back();
  if (trim(clean).empty()) clean.clear();
  return out;
}

}  // namespace clasp::wire
