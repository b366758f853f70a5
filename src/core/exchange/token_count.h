// Asking a backend how many tokens a prompt has, for a client that waits for the number. Whatever
// goes wrong, or takes too long, the client gets the estimate instead.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/scheduler.h"
#include "core/exchange/catalog.h"
#include "core/exchange/ports.h"
#include "core/translate/count_request.h"
#include "core/wire/anthropic_request.h"

namespace clasp::exchange {

struct CountCall {
  translate::CountStep step = translate::CountStep::input_tokens;
  std::string api_url;    // of the API that the prompt is for
  bool in_steps = false;  // an old server, which does not know the step, may do it in two others
  BackendRequest request;
};

// The call that counts; nothing where the backend does not count or it is not wanted.
std::optional<CountCall> make_count_call(const Catalog& catalog, const Candidate& candidate,
                                         const wire::MessagesRequest& request,
                                         const translate::RequestFacts& facts);

// Some backend counts for us: else nobody need look for one.
bool may_count(const Catalog& catalog);

class TokenCount final : public RequestTask, private BackendEvents {
 public:
  // Called once with what the backend counted, or nothing. `this` may be destroyed after it.
  using Done = std::function<void(std::optional<std::int64_t>)>;

  TokenCount(Scheduler& scheduler, BackendPort& backend, Done done)
      : scheduler_(scheduler), backend_(backend), done_(std::move(done)) {}

  void start(CountCall call);

  void on_client_gone() override;
  void on_client_drained() override {}

 private:
  void finish(std::optional<std::int64_t> tokens);
  bool take_next_step();
  void ask(translate::CountStep step, std::string body);
  void on_backend_head(int status, wire::Headers headers) override;
  void on_backend_body(std::string_view bytes) override;
  void on_backend_end() override;
  void on_backend_failed(const BackendFailure& failure) override;

  Scheduler& scheduler_;
  BackendPort& backend_;
  Done done_;
  TimerHandle limit_;
  CountCall asked_;  // its body only while another step may need it
  int status_ = 0;
  std::string body_;
  std::unique_ptr<BackendCall> call_;
};

}  // namespace clasp::exchange
