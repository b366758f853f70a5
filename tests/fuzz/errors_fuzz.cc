// Backend errors of any shape: a known status, one line of valid text, sane headers.
#include <cstdlib>
#include <string>

#include "base/text.h"
#include "core/translate/errors.h"

using namespace clasp;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size < 2) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const int status = 200 + (data[0] * 256 + data[1]) % 400;
  const std::size_t line = text.find('\n');
  const std::string value(text.substr(0, line));
  const wire::Headers headers = {{"retry-after", value},
                                 {"retry-after-ms", value},
                                 {"x-ratelimit-reset-tokens", value},
                                 {"x-request-id", value},
                                 {"x-ratelimit-limit-requests", value}};
  const wire::ApiError error = translate::translate_backend_error(status, headers, text, 100);
  if (error.status < 400 || error.status > 599 || error.message.empty()) abort();
  if (error.message.size() > 4096 || !is_valid_utf8(error.message)) abort();
  if (error.message.find('\n') != std::string::npos) abort();
  if (error.retry_after.find('\n') != std::string::npos) abort();
  if (const auto refusal = translate::detect_policy_refusal(status, text))
    if (!is_valid_utf8(refusal->explanation)) abort();
  translate::detect_output_limit(status, text);
  for (const auto& [name, field] : translate::translate_backend_headers(headers, 1'790'000'000))
    if (field.find_first_of("\r\n") != std::string::npos) abort();
  const std::string body = wire::render_error_body(error, "req_1");
  if (!is_valid_utf8(body)) abort();
  return 0;
}
