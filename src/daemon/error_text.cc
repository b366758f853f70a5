// See the header.
#include "daemon/error_text.h"

#include <system_error>

namespace clasp::daemon {

std::string as_phrase(std::string text) {
  // "Connection refused", but not "I/O error".
  const bool word = text.size() > 1 && text[1] >= 'a' && text[1] <= 'z';
  if (word && text[0] >= 'A' && text[0] <= 'Z') text[0] = static_cast<char>(text[0] + 32);
  return text;
}

std::string describe_errno(int code) {
  return as_phrase(std::generic_category().message(code));
}

std::string render_delay(Duration delay) {
  const auto ms = delay.count();
  return ms % 1000 == 0 ? std::to_string(ms / 1000) + " s" : std::to_string(ms) + " ms";
}

}  // namespace clasp::daemon
