// What is remembered of one exchange when it is over: the source of the access log, the metrics
// and the costs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/log.h"

namespace clasp::exchange {

enum class Outcome {
  completed,    // a whole answer was sent
  failed,       // an error was sent, as an answer or as an event in the stream
  client_left,  // the client closed first
};

// What the response cache had to do with it.
enum class CacheUse {
  off,        // not a request that is cached
  miss,       // asked of the backend
  hit,        // answered from memory
  coalesced,  // answered with what another request was asking already
};

struct SpanFacts;  // trace.h

struct Record {
  std::string request_id;
  std::string client;       // peer address
  std::string client_name;  // of its key or certificate; empty: a stranger
  std::string method, path;
  std::string model_asked;
  std::string model_used;  // the backend's name for it
  std::string backend;
  bool responses = false;   // asked of the backend's Responses API
  std::string upstream_id;  // the backend's own id of the answer, when it gave one
  std::string warnings;     // tokens of x-clasp-warning
  std::string error;        // what was told to the client, empty when completed
  std::string repairs;      // lessons from refusals, by their keys
  std::string tolerated;    // oddities of the backend's answer that were put right
  std::string cause;        // what happened, in more words than the client gets
  Outcome outcome = Outcome::completed;
  int status = 0;  // HTTP status sent, 0: none
  bool stream = false;
  std::string stop_reason;
  // All of the prompt, cached or not; of these those read from the backend's cache, and written.
  std::int64_t input_tokens = 0, output_tokens = 0, cached_tokens = 0, cache_write_tokens = 0;
  std::int64_t cost = 0;         // nano-dollars, by the price table
  bool priced = true;            // false: the model has no price, the cost is not known
  std::int64_t ended = 0;        // Unix seconds
  std::uint32_t tool_calls = 0;  // in the answer
  CacheUse cache = CacheUse::off;
  std::string trace_id;  // of the client's traceparent, 32 hex digits; empty: none
  std::shared_ptr<const SpanFacts> spans;  // null: none is told to anybody
  bool tokens_estimated = false;
  std::int64_t first_byte_us = -1;     // request complete -> first byte from the backend, -1: none
  std::int64_t first_content_us = -1;  // … -> first content block of the answer, -1: none
  std::int64_t total_us = 0;           // request complete -> answer handed to the connection
  std::uint64_t bytes_in = 0, bytes_out = 0;
  int attempts = 0;
  std::string detour;          // backends that could not answer, and why: "openai:connect,…"
  std::int64_t queued_us = 0;  // spent waiting for a backend
};

// A request that was answered with an error before anything was done for it.
struct Refusal {
  std::string_view request_id;
  std::string_view client;        // address
  std::string_view client_name;   // empty: a stranger
  std::string_view method, path;  // empty where the head could not be read
  int status = 0;
  std::string_view error;  // what the client was told
};

// Receives the record once per exchange.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  virtual void on_record(const Record& record) = 0;
  // Bodies for debugging; asked only when wants_bodies() says so. `what` is one of "client
  // request", "backend request", "backend answer", "client answer"; `text` is fit for the log
  // and made of at most body_bytes() of the body.
  virtual bool wants_bodies(bool request) const = 0;
  virtual std::size_t body_bytes() const { return 0; }
  virtual void on_body(std::string_view request_id, std::string_view what,
                       std::string_view text) = 0;
  virtual void on_refusal(const Refusal&) {}
  // Some time after refusals, so that what was held back of them is told.
  virtual void settle_refusals() {}
};

// "completed", "failed", "client_left".
std::string_view render_outcome(Outcome outcome);
// "miss", "hit", "coalesced"; empty where the cache had nothing to do with it.
std::string_view render_cache_use(CacheUse use);
// Whether its tokens were used at a backend, and cost something: not those of an answer from
// memory, nor the estimate of a prompt that was never answered.
bool used_tokens(const Record& record);
// One line for people, and the level it deserves.
std::string render_record(const Record& record);
LogLevel record_level(const Record& record);
std::string render_refusal(const Refusal& refusal);

}  // namespace clasp::exchange
