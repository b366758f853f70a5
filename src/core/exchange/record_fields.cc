// See record_fields.h.
#include "core/exchange/record_fields.h"

#include "base/log_text.h"
#include "base/text.h"
#include "core/policy/ledger.h"

namespace clasp::exchange {

namespace {
// Names and words from outside may be of any length.
constexpr std::size_t kLongestValue = 4096;
constexpr std::size_t kUsualFields = 32;
}  // namespace

// The journal takes any bytes; what reads it is not always as tolerant.
void RecordFields::add(std::string_view name, std::string_view value) {
  if (value.empty()) return;
  const std::string_view cut = cut_utf8(value, kLongestValue);
  fields_.emplace_back(name, is_valid_utf8(cut) ? std::string(cut) : scrub_utf8(cut));
}

void RecordFields::add(std::string_view name, std::int64_t value) {
  fields_.emplace_back(name, std::to_string(value));
}

RecordFields::RecordFields(const Record& record) {
  fields_.reserve(kUsualFields);
  add("CLASP_REQUEST_ID", record.request_id);
  add("CLASP_CLIENT", record.client);
  add("CLASP_CLIENT_NAME", record.client_name);
  add("CLASP_METHOD", record.method);
  add("CLASP_PATH", record.path);
  add_answer(record);
  add_counts(record);
  add_story(record);
}

void RecordFields::add_answer(const Record& record) {
  add("CLASP_MODEL", record.model_asked);
  add("CLASP_MODEL_USED", record.model_used);
  add("CLASP_BACKEND", record.backend);
  add("CLASP_API", record.responses ? "responses" : "");
  add("CLASP_UPSTREAM_ID", record.upstream_id);
  add("CLASP_STATUS", static_cast<std::int64_t>(record.status));
  add("CLASP_OUTCOME", render_outcome(record.outcome));
  add("CLASP_STREAM", record.stream ? "yes" : "no");
  add("CLASP_STOP_REASON", record.stop_reason);
  add("CLASP_CACHE", record.cache == CacheUse::off ? "off" : render_cache_use(record.cache));
  add("CLASP_TRACE_ID", record.trace_id);
}

void RecordFields::add_counts(const Record& record) {
  add("CLASP_INPUT_TOKENS", record.input_tokens);
  add("CLASP_OUTPUT_TOKENS", record.output_tokens);
  add("CLASP_CACHED_TOKENS", record.cached_tokens);
  add("CLASP_CACHE_WRITE_TOKENS", record.cache_write_tokens);
  add("CLASP_TOKENS_ESTIMATED", record.tokens_estimated ? "yes" : "no");
  add("CLASP_TOOL_CALLS", static_cast<std::int64_t>(record.tool_calls));
  if (record.priced) add("CLASP_COST_USD", policy::render_usd(record.cost));
  if (record.first_byte_us >= 0) add("CLASP_FIRST_USEC", record.first_byte_us);
  if (record.first_content_us >= 0) add("CLASP_CONTENT_USEC", record.first_content_us);
  add("CLASP_TOTAL_USEC", record.total_us);
  add("CLASP_QUEUED_USEC", record.queued_us);
  add("CLASP_BYTES_IN", static_cast<std::int64_t>(record.bytes_in));
  add("CLASP_BYTES_OUT", static_cast<std::int64_t>(record.bytes_out));
  add("CLASP_ATTEMPTS", static_cast<std::int64_t>(record.attempts));
}

void RecordFields::add_story(const Record& record) {
  add("CLASP_FALLBACK", record.detour);
  add("CLASP_WARNINGS", record.warnings);
  add("CLASP_REPAIRS", record.repairs);
  add("CLASP_TOLERATED", record.tolerated);
  add("CLASP_ERROR", record.error);
  add("CLASP_CAUSE", record.cause);
}

RecordFields::RecordFields(const Refusal& refusal) {
  add("CLASP_REQUEST_ID", refusal.request_id);
  add("CLASP_CLIENT", refusal.client);
  add("CLASP_CLIENT_NAME", refusal.client_name);
  add("CLASP_METHOD", refusal.method);
  add("CLASP_PATH", refusal.path);
  add("CLASP_STATUS", static_cast<std::int64_t>(refusal.status));
  add("CLASP_OUTCOME", "refused");
  add("CLASP_ERROR", refusal.error);
}

std::vector<LogField> RecordFields::views() const {
  std::vector<LogField> views;
  views.reserve(fields_.size());
  for (const auto& [name, value] : fields_) views.emplace_back(name, value);
  return views;
}

}  // namespace clasp::exchange
