// Counting tokens of arbitrary bytes: pieces cover the text, no piece costs more than a little for
// each byte, a vocabulary from anywhere is taken or refused, and so is a prompt.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "core/translate/prompt_count.h"
#include "core/wire/json_reader.h"
#include "core/wire/media_bytes.h"

using namespace clasp;
using translate::CountBudget;
using translate::Vocabulary;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

const Vocabulary& vocabulary() {
  static const Vocabulary kMade = [] {
    std::string text;
    int rank = 0;
    const auto add = [&](std::string_view token) {
      text.append(wire::base64_encode(token) + " " + std::to_string(rank++) + "\n");
    };
    for (int byte = 0; byte < 256; ++byte) add(std::string(1, static_cast<char>(byte)));
    for (const char* token : {"aa", "ab", "aaaa", "  ", "    ", "\xe6\x97", "th", "the", "\n\n"})
      add(token);
    return *Vocabulary::parse(text);
  }();
  return kMade;
}

void count(std::string_view text) {
  constexpr std::uint64_t kMuch = 1u << 30;
  CountBudget budget{kMuch};
  const auto tokens = translate::count_tokens_of(vocabulary(), text, budget);
  require(tokens && *tokens <= text.size() && (*tokens > 0) == !text.empty());
  require(kMuch - budget.left <= 24 * text.size());
}

}  // namespace

// First byte: as what. The rest: it.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string text(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 3 == 0) {
    for (std::size_t at = 0; at < text.size();) {
      const std::size_t end = translate::piece_end(text, at);
      require(end > at && end <= text.size());
      at = end;
    }
    count(text);
  } else if (data[0] % 3 == 1) {
    if (const auto made = Vocabulary::parse(text)) require(made->size() > 0 && made->longest() > 0);
  } else if (wire::is_valid_json(text)) {
    for (const auto api : {translate::Api::chat, translate::Api::responses})
      require(translate::count_prompt(vocabulary(), {api, text}).value_or(3) >= 3);
  }
  return 0;
}
