// What is remembered of one exchange when it is over: the source of the access log, the metrics
// and the costs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/log.h"

namespace clasp::exchange {

enum class Outcome {
  completed,    // a whole answer was sent
  failed,       // an error was sent, as an answer or as an event in the stream
  client_left,  // the client closed first
};

struct Record {
  std::string request_id;
  std::string client;  // peer address
  std::string method, path;
  std::string model_asked;
  std::string model_used;  // the backend's name for it
  std::string backend;
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
  std::int64_t input_tokens = 0, output_tokens = 0, cached_tokens = 0;
  bool tokens_estimated = false;
  std::int64_t first_byte_us = -1;  // request complete -> first content from the backend, -1: none
  std::int64_t total_us = 0;        // request complete -> answer handed to the connection
  std::uint64_t bytes_in = 0, bytes_out = 0;
  int attempts = 0;
};

// Receives the record once per exchange.
class RecordSink {
 public:
  virtual ~RecordSink() = default;
  virtual void on_record(const Record& record) = 0;
  // Bodies for debugging; asked only when wants_bodies() says so. `what` is one of "client
  // request", "backend request", "backend answer", "client answer".
  virtual bool wants_bodies(bool request) const = 0;
  virtual void on_body(std::string_view request_id, std::string_view what,
                       std::string_view bytes) = 0;
};

// "completed", "failed", "client_left".
std::string_view render_outcome(Outcome outcome);
// One line for people, and the level it deserves.
std::string render_record(const Record& record);
LogLevel record_level(const Record& record);

}  // namespace clasp::exchange
