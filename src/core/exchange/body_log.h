// The bodies of one exchange for the log, where that is asked for: what came from the client, what
// each backend was asked, what it said, what the client got. A stream is one entry, not one a read.
// Secrets are masked, data of pictures and files shortened, sizes bounded.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/secret.h"
#include "core/exchange/record.h"

namespace clasp::exchange {

// `bytes` as one line for the log, at most about `limit` bytes of it; what is missing is said.
// `whole`: how long the body was, where `bytes` is only its beginning.
std::string render_body(std::string_view bytes, std::uint64_t whole, std::size_t limit,
                        const KnownSecrets& secrets);

class BodyLog {
 public:
  // Null when nobody wants any. What is wanted now is wanted until the exchange ends. `sink` and
  // `secrets` must outlive it.
  static std::unique_ptr<BodyLog> make(RecordSink& sink, const KnownSecrets& secrets,
                                       std::string_view request_id);

  // Besides those that are known already.
  void mask(std::string_view secret) { own_secrets_.add(secret); }

  void client_request(std::string_view body);
  void backend_request(std::string_view body);
  // The parts of the backend's answer as they come, until it is over: for this attempt or as a
  // whole.
  void backend_answer(std::string_view part);
  void end_backend_answer();
  // The parts of the client's answer. end() is the end of both.
  void client_answer(std::string_view part);
  void end();

 private:
  // The beginning of a body that comes in parts.
  struct Gathered {
    std::string bytes;
    std::uint64_t size = 0;
  };
  BodyLog(RecordSink& sink, const KnownSecrets& secrets, std::string_view request_id, bool requests,
          bool responses);
  void gather(Gathered& into, std::string_view part);
  void tell(std::string_view what, Gathered& gathered);
  void tell(std::string_view what, std::string_view bytes, std::uint64_t size);

  RecordSink& sink_;
  const KnownSecrets& secrets_;
  KnownSecrets own_secrets_;
  const std::string request_id_;
  const std::size_t limit_;
  const bool requests_, responses_;
  Gathered backend_, client_;
};

}  // namespace clasp::exchange
