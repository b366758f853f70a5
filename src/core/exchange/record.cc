// The exchange's log line.
#include "core/exchange/record.h"

#include <cstdio>

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

LogLevel record_level(const Record& record) {
  if (record.outcome == Outcome::failed) return LogLevel::warn;
  return LogLevel::info;
}

namespace {

void append_field(std::string& line, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  line.append(" ").append(name).append("=");
  const bool quote = value.find_first_of(" \"\n\t=") != std::string_view::npos;
  if (!quote) {
    line.append(value);
    return;
  }
  line.push_back('"');
  for (char c : value) {
    if (c == '"' || c == '\\') line.push_back('\\');
    line.push_back(static_cast<unsigned char>(c) < 0x20 ? ' ' : c);
  }
  line.push_back('"');
}

void append_milliseconds(std::string& line, std::string_view name, std::int64_t us) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1fms", static_cast<double>(us) / 1000.0);
  append_field(line, name, text);
}

}  // namespace

std::string render_record(const Record& record) {
  std::string line;
  line.reserve(320);
  line.append(record.request_id);
  append_field(line, "client", record.client);
  append_field(line, "model", record.model_asked);
  if (record.model_used != record.model_asked) append_field(line, "used", record.model_used);
  append_field(line, "backend", record.backend);
  append_field(line, "status", record.status == 0 ? "-" : std::to_string(record.status));
  append_field(line, "outcome", render_outcome(record.outcome));
  if (record.stream) append_field(line, "stream", "yes");
  append_field(line, "stop", record.stop_reason);
  append_field(line, "in", std::to_string(record.input_tokens));
  append_field(line, "out", std::to_string(record.output_tokens));
  if (record.cached_tokens > 0) append_field(line, "cached", std::to_string(record.cached_tokens));
  if (record.tokens_estimated) append_field(line, "tokens", "estimated");
  if (record.first_byte_us >= 0) append_milliseconds(line, "first", record.first_byte_us);
  append_milliseconds(line, "total", record.total_us);
  if (record.attempts > 1) append_field(line, "attempts", std::to_string(record.attempts));
  append_field(line, "warnings", record.warnings);
  append_field(line, "repairs", record.repairs);
  append_field(line, "tolerated", record.tolerated);
  append_field(line, "error", record.error);
  if (record.cause != record.error) append_field(line, "cause", record.cause);
  return line;
}

}  // namespace clasp::exchange
