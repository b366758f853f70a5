// What one running exchange is doing, as operators see it. A copy: the exchange goes on meanwhile.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "core/exchange/record.h"

namespace clasp::exchange {

struct ExchangeInfo {
  std::string request_id;
  std::string client, client_name;
  std::string model_asked, model_used;
  std::string backend;     // empty: none was chosen yet
  std::string_view phase;  // "preparing", "queued", "waiting", "calling", "answering"
  bool stream = false;
  std::int64_t age_ms = 0, queued_ms = 0;
  std::uint64_t bytes_out = 0;
  int attempts = 0;
  CacheUse cache = CacheUse::off;
};

}  // namespace clasp::exchange
