// Small text helpers that several rooms need. No allocation unless a std::string is returned.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace clasp {

bool iequals(std::string_view a, std::string_view b);  // ASCII case only
bool icontains(std::string_view haystack, std::string_view needle);
std::string to_lower(std::string_view text);
std::string_view trim(std::string_view text);  // spaces, tabs, CR, LF
std::vector<std::string_view> split(std::string_view text, char separator);
// `*` and `?`; the whole text must match. Linear in practice, no recursion.
bool glob_match(std::string_view pattern, std::string_view text);
// Decimal, whole text, no sign. Nothing on overflow.
std::optional<std::uint64_t> parse_unsigned(std::string_view text);
// Levenshtein distance, for "did you mean" hints; inputs are short names.
std::size_t edit_distance(std::string_view a, std::string_view b);

std::string to_hex(std::string_view bytes);
std::string base64url_encode(std::string_view bytes);  // no padding
std::optional<std::string> base64url_decode(std::string_view text);
// `prefix` + `length` characters of [0-9A-Za-z], from the given random words.
std::string base62(std::uint64_t high, std::uint64_t low, std::size_t length);

// %41 into A. Nothing where a % is not followed by two hex digits.
std::optional<std::string> percent_decode(std::string_view text);
// Everything but letters, digits and -._~ (RFC 3986) as %XX.
std::string percent_encode(std::string_view text);

// Replaces bytes that are not valid UTF-8 by U+FFFD, for text that goes into JSON.
std::string scrub_utf8(std::string_view text);
bool is_valid_utf8(std::string_view text);

// Appends `text` as the inside of a JSON string: quotes, backslashes and control characters
// escaped, everything else copied. `text` must be valid UTF-8.
void append_json_escaped(std::string& out, std::string_view text);
// The same with the quotes around.
void append_json_string(std::string& out, std::string_view text);
// Decodes the inside of a JSON string (raw, as it stood between the quotes). A lone surrogate
// becomes U+FFFD. The input must come from a parser that accepted it.
std::string decode_json_string(std::string_view raw);

}  // namespace clasp
