// The answer of a backend that speaks the Messages API itself, handed on as it comes: whole events
// of a stream, a document as it stands (spec §0.5). It is watched for what the record needs and
// for its end: a stream that breaks off is never made to look finished (§5.6).
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "core/translate/converter.h"
#include "core/translate/input_estimate.h"
#include "core/wire/headers.h"

namespace clasp::translate {

struct RelayContext {
  bool plain = false;              // the client wants one Message
  bool already_open = false;       // message_start was emitted by an earlier attempt
  bool committed = false;          // the client's stream is open: nothing is held back any more
  InputEstimate input_estimate{};  // for the record when no usage comes
};

class Relay final : public Converter {
 public:
  // `out` receives the bytes for the client: whole events, or the document. Not owned.
  Relay(RelayContext context, std::string& out);
  ~Relay() override;

  // What came before any content is held back until then, so that an early error of the backend
  // can still become a status.
  void open() override;
  bool opened() const override;
  bool block_opened() const override;
  State feed_stream(std::string_view bytes) override;
  State finish_stream() override;
  bool awaiting_usage() const override;
  State feed_document(std::string& body) override;
  State conclude(const Conclusion& conclusion) override;
  State state() const override;
  const wire::ApiError& error() const override;
  const Usage& usage() const override;
  std::string_view stop_reason() const override;
  std::uint32_t tool_calls() const override;
  std::string_view upstream_id() const override;
  const CallStates& call_states() const override;
  const std::vector<std::string>& notes() const override;
  bool wants_cancel() const override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// An answer with an error status: the backend's own body and status where the body is one that
// clients understand, else the translated error.
wire::ApiError relay_backend_error(int status, const wire::Headers& headers, std::string_view body);

// Header fields of the backend's answer that the client gets, unchanged: retry-after,
// retry-after-ms, x-should-retry, anthropic-ratelimit-*; and x-clasp-upstream-request-id.
wire::Headers relay_backend_headers(const wire::Headers& headers);

}  // namespace clasp::translate
