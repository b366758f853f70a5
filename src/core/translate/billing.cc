// See billing.h.
#include "core/translate/billing.h"

#include <algorithm>

#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

constexpr std::string_view kBillingHeader = "x-anthropic-billing-header:";
constexpr std::string_view kNonce = "cch=";
constexpr std::size_t kLongestNonce = 64;

bool is_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

}  // namespace

std::string_view without_billing(std::string_view raw) {
  if (!wire::raw_starts_with(raw, kBillingHeader)) return raw;
  const std::size_t line = raw.find("\\n");
  return line == std::string_view::npos ? std::string_view() : raw.substr(line + 2);
}

std::string_view billing_nonce(std::string_view raw) {
  std::string_view line = raw.substr(0, raw.size() - without_billing(raw).size());
  const std::size_t at = line.find(kNonce);
  if (at == std::string_view::npos) return {};
  line.remove_prefix(at + kNonce.size());
  const auto end = std::find_if_not(line.begin(), line.end(), is_hex);
  const auto size = static_cast<std::size_t>(end - line.begin());
  return size <= kLongestNonce ? line.substr(0, size) : std::string_view();
}

}  // namespace clasp::translate
