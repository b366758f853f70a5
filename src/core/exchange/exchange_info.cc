// What an operator is told of a running exchange.
#include "core/exchange/exchange_info.h"

#include "base/text.h"
#include "core/exchange/exchange.h"

namespace clasp::exchange {

namespace {

// Names come from clients and may be of any length.
constexpr std::size_t kLongestName = 200;

std::string cut(std::string_view text) {
  return scrub_utf8(text.substr(0, kLongestName));
}

}  // namespace

std::string_view Exchange::phase_name() const {
  switch (phase_) {
    case Phase::preparing:
      return "preparing";
    case Phase::waiting:
      return ticket_ != 0 ? "queued" : "waiting";
    case Phase::calling:
      return "calling";
    case Phase::reading_stream:
    case Phase::reading_document:
    case Phase::reading_error:
      return "answering";
    case Phase::over:
      break;
  }
  return "over";
}

ExchangeInfo Exchange::info() const {
  ExchangeInfo info;
  info.request_id = record_.request_id;
  info.client = record_.client;
  info.client_name = record_.client_name;
  info.model_asked = cut(record_.model_asked);
  info.model_used = cut(record_.model_used);
  info.backend = record_.backend;
  info.phase = phase_name();
  info.stream = record_.stream;
  info.age_ms = elapsed_us() / 1000;
  info.queued_ms = record_.queued_us / 1000;
  if (ticket_ != 0 && search_)
    info.queued_ms +=
        std::chrono::duration_cast<Duration>(services_.scheduler.now() - search_->queued_since)
            .count();
  if (answer_) info.bytes_out = answer_->bytes_out();
  info.attempts = record_.attempts;
  info.cache = record_.cache;
  return info;
}

}  // namespace clasp::exchange
