// Tool arguments: whatever comes, what goes out is the start of a valid object, and the whole of
// one when the end says so; the cut does not matter.
#include <cstdlib>
#include <string>

#include "../unit/support/grammar.h"
#include "base/text.h"
#include "core/translate/arguments.h"

using clasp::test::parse_json;
using clasp::translate::ArgumentScanner;

namespace {

bool is_object(const std::string& text) {
  const auto json = parse_json(text);
  return json && json_is_object(json.get());
}

bool scan(std::string_view text, std::size_t step, std::string& out) {
  ArgumentScanner scanner;
  for (std::size_t at = 0; at < text.size(); at += step) scanner.feed(text.substr(at, step), out);
  const std::string sent = out;
  if (!scanner.finish(out)) return false;
  if (out.compare(0, sent.size(), sent) != 0) abort();
  return true;
}

void cut_off(std::string_view text) {
  ArgumentScanner scanner;
  std::string out;
  scanner.feed(text, out);
  if (!scanner.held_back().empty() || !scanner.started() || scanner.complete()) return;
  if (scanner.unfinished() > out.size()) abort();
  out.resize(out.size() - scanner.unfinished());
  scanner.close_all(out);
  if (!is_object(out)) abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 1) return 0;
  // Arguments come out of a JSON document, hence are UTF-8.
  const std::string text = clasp::scrub_utf8({reinterpret_cast<const char*>(data) + 1, size - 1});
  std::string whole, pieces;
  const bool fine = scan(text, text.size() + 1, whole);
  // jansson refuses numbers that are JSON but too large for it: those need no second opinion.
  if (fine && !is_object(whole) && whole.find_first_of("0123456789") == std::string::npos) abort();
  if (scan(text, 1u + data[0] % 13, pieces) != fine || pieces != whole) abort();
  if (whole.find_first_of("0123456789") == std::string::npos) cut_off(text);
  return 0;
}
