// Usage arithmetic. Cached tokens are part of the backend's prompt count but not of the client's.
#include "core/translate/usage.h"

#include <algorithm>

namespace clasp::translate {

namespace {

bool says_something(const wire::ChatUsage& usage) {
  return usage.prompt > 0 || usage.completion > 0 || usage.total > 0;
}

// Bytes per token of ordinary text, a little low so that the estimate is a little high.
constexpr std::int64_t kBytesPerTenTokens = 38;

std::int64_t estimate_output(std::size_t bytes) {
  return (static_cast<std::int64_t>(bytes) * 10 + kBytesPerTenTokens - 1) / kBytesPerTenTokens;
}

}  // namespace

void remember_usage(wire::ChatUsage& latest, const wire::ChatUsage& report) {
  if (report.present && says_something(report)) latest = report;
}

Usage translate_usage(const wire::ChatUsage& report, std::int64_t input_estimate,
                      std::size_t output_bytes, bool output_from_total) {
  Usage usage;
  usage.cache_read = std::max<std::int64_t>(report.cached, 0);
  usage.cache_write = std::max<std::int64_t>(report.cache_write, 0);
  usage.cache_write_known = report.cache_write >= 0;
  usage.thinking_tokens = report.reasoning;
  if (report.prompt >= 0) {
    usage.cache_read = std::min(usage.cache_read, report.prompt);
    usage.cache_write = std::min(usage.cache_write, report.prompt - usage.cache_read);
    usage.input_tokens = report.prompt - usage.cache_read - usage.cache_write;
  } else {
    usage.input_tokens = input_estimate;
    usage.estimated = true;
  }
  if (report.completion >= 0) {
    usage.output_tokens = report.completion;
  } else {
    usage.output_tokens = estimate_output(output_bytes);
    usage.estimated = true;
  }
  if (output_from_total && report.prompt >= 0 && report.total >= 0)
    usage.output_tokens = std::max(usage.output_tokens, report.total - report.prompt);
  return usage;
}

}  // namespace clasp::translate
