// Writing and reading the signature of thinking blocks. Knows the envelope; what the state means
// is the business of the dialects.
#include "core/translate/signature.h"

#include <array>
#include <cstdint>

#include "base/text.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

constexpr std::string_view kPrefix = "clasp1.";
constexpr std::string_view kKinds = "rogtn";
constexpr std::size_t kCheckLength = 8;

constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) ? 0xEDB88320u : 0u);
    table[i] = value;
  }
  return table;
}
constexpr auto kCrcTable = make_crc_table();

std::string crc32_hex(std::string_view bytes) {
  std::uint32_t crc = 0xFFFFFFFFu;
  for (unsigned char c : bytes) crc = (crc >> 8) ^ kCrcTable[(crc ^ c) & 255];
  crc = ~crc;
  const char big_endian[] = {static_cast<char>(crc >> 24), static_cast<char>(crc >> 16),
                             static_cast<char>(crc >> 8), static_cast<char>(crc)};
  return to_hex(std::string_view(big_endian, sizeof big_endian));
}

void append_member(std::string& out, std::string_view name, std::string_view value) {
  append_json_string(out, name);
  out.push_back(':');
  append_json_string(out, value);
  out.push_back(',');
}

}  // namespace

std::string encode_signature(const SignatureState& state) {
  std::string json = "{";
  json.reserve(state.state_json.size() + state.model.size() + 64);
  append_member(json, "d", state.dialect);
  append_member(json, "b", state.backend);
  append_member(json, "m", state.model);
  append_member(json, "k", std::string_view(&state.kind, 1));
  json.append("\"s\":").append(state.state_json).push_back('}');
  std::string out(kPrefix);
  out.append(base64url_encode(json)).push_back('.');
  out.append(crc32_hex(json));
  return out;
}

bool is_own_signature(std::string_view signature) {
  return signature.starts_with(kPrefix);
}

std::optional<SignatureState> decode_signature(std::string_view signature) {
  if (!is_own_signature(signature)) return std::nullopt;
  signature.remove_prefix(kPrefix.size());
  const std::size_t dot = signature.rfind('.');
  if (dot == std::string_view::npos || signature.size() - dot - 1 != kCheckLength)
    return std::nullopt;
  const auto json = base64url_decode(signature.substr(0, dot));
  if (!json || crc32_hex(*json) != signature.substr(dot + 1)) return std::nullopt;
  // A checksum is no proof of origin: the JSON may still be anything.
  if (!wire::is_valid_json(*json)) return std::nullopt;
  const auto text = [&json](std::string_view name) {
    return decode_json_string(wire::json_string_member(*json, name));
  };
  const std::string kind = text("k");
  const auto state = wire::json_member(*json, "s");
  if (kind.size() != 1 || kKinds.find(kind[0]) == std::string_view::npos || !state)
    return std::nullopt;
  return SignatureState{text("d"), text("b"), text("m"), kind[0], std::string(*state)};
}

}  // namespace clasp::translate
