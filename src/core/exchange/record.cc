// The exchange's log line.
#include "core/exchange/record.h"

#include <algorithm>
#include <charconv>
#include <iterator>

#include "base/log_text.h"
#include "core/policy/ledger.h"

namespace clasp::exchange {

std::string_view render_outcome(Outcome outcome) {
  switch (outcome) {
    case Outcome::completed:
      return "completed";
    case Outcome::failed:
      return "failed";
    case Outcome::client_left:
      return "client_left";
  }
  return "failed";
}

bool used_tokens(const Record& record) {
  if (record.cache == CacheUse::hit || record.cache == CacheUse::coalesced) return false;
  if (record.outcome == Outcome::completed || record.first_content_us >= 0) return true;
  return !record.tokens_estimated && (record.input_tokens > 0 || record.output_tokens > 0);
}

std::string_view render_cache_use(CacheUse use) {
  switch (use) {
    case CacheUse::off:
      return "";
    case CacheUse::miss:
      return "miss";
    case CacheUse::hit:
      return "hit";
    case CacheUse::coalesced:
      return "coalesced";
  }
  return "";
}

LogLevel record_level(const Record& record) {
  if (record.outcome == Outcome::failed) return LogLevel::warn;
  return LogLevel::info;
}

namespace {

// Names and words from outside may be of any length.
constexpr std::size_t kLongestValue = 1024;

// Not find_first_of(), which looks for each character on its own with a call.
bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c < 0x7F && c != '"' && c != '='; });
}

void append_field(std::string& line, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  line.append(" ").append(name).append("=");
  if (value.size() <= kLongestValue && is_plain(value)) {
    line.append(value);
    return;
  }
  line.push_back('"');
  append_quoted_text(line, value, kLongestValue);
  line.append(value.size() > kLongestValue ? "...\"" : "\"");
}

void append_number(std::string& line, std::string_view name, std::int64_t value) {
  char text[24];
  const auto end = std::to_chars(text, std::end(text), value).ptr;
  line.append(" ").append(name).append("=").append(text, end);
}

// With one decimal, rounded to the even one of two that are equally near.
void append_milliseconds(std::string& line, std::string_view name, std::int64_t us) {
  std::int64_t tenths = us / 100;
  const std::int64_t rest = us % 100;
  if (rest > 50 || (rest == 50 && tenths % 2 != 0)) ++tenths;
  append_number(line, name, tenths / 10);
  line.append(".").push_back(static_cast<char>('0' + tenths % 10));
  line.append("ms");
}

}  // namespace

std::string render_record(const Record& record) {
  std::string line;
  line.reserve(320);
  line.append(record.request_id);
  append_field(line, "client", record.client);
  append_field(line, "key", record.client_name);
  append_field(line, "model", record.model_asked);
  if (record.model_used != record.model_asked) append_field(line, "used", record.model_used);
  append_field(line, "backend", record.backend);
  append_field(line, "api", record.responses ? "responses" : "");
  if (record.status == 0)
    append_field(line, "status", "-");
  else
    append_number(line, "status", record.status);
  append_field(line, "outcome", render_outcome(record.outcome));
  if (record.stream) append_field(line, "stream", "yes");
  append_field(line, "cache", render_cache_use(record.cache));
  append_field(line, "stop", record.stop_reason);
  append_number(line, "in", record.input_tokens);
  append_number(line, "out", record.output_tokens);
  if (record.cached_tokens > 0) append_number(line, "cached", record.cached_tokens);
  if (!record.priced)
    append_field(line, "cost", "unknown");
  else if (record.cost > 0)
    append_field(line, "cost", policy::render_usd(record.cost));
  if (record.tokens_estimated) append_field(line, "tokens", "estimated");
  if (record.first_byte_us >= 0) append_milliseconds(line, "first", record.first_byte_us);
  append_milliseconds(line, "total", record.total_us);
  if (record.attempts > 1) append_number(line, "attempts", record.attempts);
  append_field(line, "fallback", record.detour);
  if (record.queued_us > 0) append_milliseconds(line, "queued", record.queued_us);
  append_field(line, "warnings", record.warnings);
  append_field(line, "repairs", record.repairs);
  append_field(line, "tolerated", record.tolerated);
  append_field(line, "error", record.error);
  if (record.cause != record.error) append_field(line, "cause", record.cause);
  append_field(line, "trace", record.trace_id);
  return line;
}

std::string render_refusal(const Refusal& refusal) {
  std::string line;
  line.reserve(200);
  line.append(refusal.request_id);
  append_field(line, "client", refusal.client);
  append_field(line, "key", refusal.client_name);
  append_field(line, "method", refusal.method);
  append_field(line, "path", refusal.path);
  append_number(line, "status", refusal.status);
  append_field(line, "outcome", "refused");
  append_field(line, "error", refusal.error);
  return line;
}

}  // namespace clasp::exchange
