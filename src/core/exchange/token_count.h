// How many tokens a prompt has, for a client that waits for the number: a backend is asked, and
// where none counts, or it fails, we count with the model's own vocabulary. Whatever goes wrong, or
// takes too long, the client gets the estimate instead.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/scheduler.h"
#include "core/exchange/catalog.h"
#include "core/exchange/ports.h"
#include "core/exchange/slow_counters.h"
#include "core/translate/count_request.h"
#include "core/translate/prompt_count.h"
#include "core/wire/anthropic_request.h"

namespace clasp::exchange {

struct CountCall {
  translate::CountStep step = translate::CountStep::input_tokens;
  std::string api_url;    // of the API that the prompt is for
  bool in_steps = false;  // an old server, which does not know the step, may do it in two others
  BackendRequest request;
};

// What can be done before the estimate.
struct CountPlan {
  std::optional<CountCall> call;            // the backend counts
  std::optional<translate::Prompt> prompt;  // we may, with the vocabulary `vocabulary`
  std::string vocabulary;

  bool empty() const { return !call && !prompt; }
};

// Empty where the backend does not count, or it is not wanted, and we know no vocabulary.
CountPlan make_count_plan(const Catalog& catalog, const Candidate& candidate,
                          const wire::MessagesRequest& request,
                          const translate::RequestFacts& facts);

// Some backend may count for us, or we may: else nobody need make a plan.
bool may_count(const Catalog& catalog);

// A count under way; destroying it cancels.
class CountWork {
 public:
  virtual ~CountWork() = default;
};

// Counts prompts elsewhere than on the loop, which they would hold up for milliseconds.
class CounterPort {
 public:
  using Done = std::function<void(std::optional<std::int64_t>)>;
  virtual ~CounterPort() = default;
  // `vocabulary` as models.vocabulary has it. `done` is called once, later and not after the work
  // was destroyed, with nothing where that vocabulary is not there. nullptr: too much to do.
  virtual std::unique_ptr<CountWork> start(translate::Prompt prompt, std::string vocabulary,
                                           Done done) = 0;
};

class TokenCount final : public RequestTask, private BackendEvents {
 public:
  // Called once with what was counted, or nothing. `this` may be destroyed after it.
  using Done = CounterPort::Done;

  // `counter` may be missing; `slow` is of all counts of a worker.
  TokenCount(Scheduler& scheduler, BackendPort& backend, CounterPort* counter, SlowCounters& slow,
             Done done)
      : scheduler_(scheduler),
        backend_(backend),
        counter_(counter),
        slow_(slow),
        done_(std::move(done)) {}

  // Calls `done` later. False: there is nothing that could be done, and it is not called.
  bool start(CountPlan plan);

  void on_client_gone() override;
  void on_client_drained() override {}

 private:
  void finish(std::optional<std::int64_t> tokens);
  bool count_here();
  void give_up();
  void on_told(bool counted);
  bool take_next_step();
  void ask(translate::CountStep step, std::string body);
  void on_backend_head(int status, wire::Headers headers) override;
  void on_backend_body(std::string_view bytes) override;
  void on_backend_end() override;
  void on_backend_failed(const BackendFailure& failure) override;

  Scheduler& scheduler_;
  BackendPort& backend_;
  CounterPort* counter_;
  SlowCounters& slow_;
  Done done_;
  TimerHandle limit_;
  TimePoint begun_;
  CountCall asked_;  // its body only while another step may need it
  int status_ = 0;
  std::string body_;
  std::unique_ptr<BackendCall> call_;
  std::optional<translate::Prompt> prompt_;
  std::string vocabulary_;
  std::unique_ptr<CountWork> work_;
};

}  // namespace clasp::exchange
