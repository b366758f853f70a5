// Any bytes as a redirect's Location, as base64, as a file and as the text of a document: what is
// accepted can be asked for, and what goes on is valid and bounded.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/network.h"
#include "base/text.h"
#include "core/policy/fetch_rule.h"
#include "core/wire/media_bytes.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void try_location(std::string_view text) {
  using namespace clasp;
  const auto from = policy::check_fetch_url("https://host:8443/a/b/c?d");
  const auto next = policy::resolve_location(*from, text);
  if (!next) return;
  require(next->scheme == "http" || next->scheme == "https");
  require(next->user.empty() && next->password.empty() && next->target.starts_with('/'));
  for (const char c : next->target) require(static_cast<unsigned char>(c) > 0x20);
  const auto again = policy::check_fetch_url(policy::render_url(*next));
  require(again && again->host == next->host && again->target == next->target);
}

void try_text(std::string_view text) {
  using namespace clasp;
  const auto clean = wire::clean_document_text(text, 200);
  require(is_valid_utf8(clean.text));
  // A byte that is no text may become three.
  require(clean.text.size() <= 600);
  require(clean.text.find("\n\n\n") == std::string::npos);
  for (const char c : clean.text)
    require(static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t');
  require(clean.text.empty() || (clean.text.back() != '\n' && clean.text.back() != ' '));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace clasp;
  const std::string text(reinterpret_cast<const char*>(data), size);
  try_location(text);
  try_text(text);
  (void)wire::sniff_media(text);
  (void)parse_network(text);
  require(wire::base64_decode(wire::base64_encode(text)) == text);
  if (const auto bytes = wire::base64_decode(text)) require(bytes->size() <= size);
  return 0;
}
