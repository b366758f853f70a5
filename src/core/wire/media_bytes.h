// Bytes of pictures and PDFs as they come from outside: what they are by their first bytes, base64
// there and back, and text that a program took out of a document. Trusts no declared type.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace clasp::wire {

enum class MediaType { unknown, jpeg, png, gif, webp, pdf };

// By the magic bytes. A PDF may have up to 1 KB of something else in front, as readers allow.
MediaType sniff_media(std::string_view bytes);
std::string_view render_media_type(MediaType type);  // "image/png"; empty for unknown
inline bool is_image(MediaType type) {
  return type != MediaType::unknown && type != MediaType::pdf;
}

std::string base64_encode(std::string_view bytes);
// Takes what clients send: white space inside, padding or none. Nothing when a character is not
// of the alphabet or something follows the padding.
std::optional<std::string> base64_decode(std::string_view text);

// Decodes until the first character that is not of the alphabet.
std::string base64_prefix(std::string_view text);

struct CleanText {
  std::string text;
  bool cut = false;  // something beyond `limit` was left out
};

// Text of a document made fit for a prompt: valid UTF-8, no control characters but newline and tab,
// pages apart by a blank line, no blank ends. Empty when there is nothing to read.
CleanText clean_document_text(std::string_view text, std::size_t limit);

}  // namespace clasp::wire
