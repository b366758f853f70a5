// One request of a client and its whole answer: parse, choose, translate, call, translate back,
// record. It decides; the daemon's ports do.
//
// Life: made when the request's body is complete, destroyed by the HTTP server when the answer is
// sent or the client left. Destroying it cancels the backend call.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/random.h"
#include "base/scheduler.h"
#include "core/exchange/answer.h"
#include "core/exchange/body_log.h"
#include "core/exchange/cache_port.h"
#include "core/exchange/calibration.h"
#include "core/exchange/desk_port.h"
#include "core/exchange/exchange_info.h"
#include "core/exchange/lessons.h"
#include "core/exchange/meter.h"
#include "core/exchange/ports.h"
#include "core/exchange/record.h"
#include "core/exchange/repairs.h"
#include "core/exchange/search.h"
#include "core/exchange/trace.h"
#include "core/translate/converter.h"
#include "core/translate/reply.h"
#include "core/translate/schema_cache.h"
#include "core/wire/tool_memory.h"

namespace clasp::exchange {

struct Caching;
class CounterPort;

// What an exchange works with; one set per worker, outliving its exchanges.
struct Services {
  Scheduler& scheduler;
  Random& random;
  BackendPort& backend;
  RecordSink& records;
  translate::ReplyParser& parser;
  translate::SchemaCache& schemas;
  LessonPort& lessons;                // shared by all workers
  StatePort& states;                  // shared by all workers
  DeskPort& desk;                     // the desk behind it is shared by all workers
  CalibrationPort& calibration;       // shared by all workers
  MediaPort* media = nullptr;         // may be missing
  CachePort* cache = nullptr;         // shared by all workers; may be missing
  MeterPort* meter = nullptr;         // may be missing
  CounterPort* counter = nullptr;     // shared by all workers; may be missing
  wire::ToolMemory* tools = nullptr;  // may be missing
};

class Exchange final : public RequestTask,
                       private BackendEvents,
                       private TicketListener,
                       private SeatListener {
 public:
  // `services` must outlive it.
  Exchange(const Services& services, CatalogPtr catalog, RequestHead head, std::string body,
           std::string request_id, ClientStream& client);
  ~Exchange() override;

  // Begins the work; may answer at once. Call exactly once.
  void start();

  // Ends it now with this error, as an answer or as the stream's last event. `cause` is for the
  // log. False: it is over already.
  bool end_with(const wire::ApiError& error, std::string_view cause = "ended by the daemon");

  // exchange_info.cc
  ExchangeInfo info() const;
  const std::string& request_id() const { return record_.request_id; }
  TimePoint started() const { return started_; }
  bool over() const { return phase_ == Phase::over; }
  // It is the turn of this backend.
  bool asks(std::string_view backend) const { return permit_ && record_.backend == backend; }

  // The client asked for a stream; known from start() on.
  bool streams() const { return record_.stream; }

  void on_client_gone() override;
  void on_client_drained() override;

 private:
  enum class Phase {
    preparing,         // nothing was asked of the backend yet
    waiting,           // for a place at a backend, or for the pause before the next attempt
    calling,           // the backend's head has not come
    reading_stream,    // an SSE body, translated as it comes
    reading_document,  // a JSON body, collected
    reading_error,     // the body of a failed answer, collected
    over,              // recorded
  };

  std::string_view phase_name() const;
  void make_answer(bool stream);
  void read_facts();
  // exchange_route.cc: which backend, and what follows when it fails.
  bool choose_route_first();
  void choose();
  void repeat();
  // Goes on with the one that it got, or says why there is none.
  std::optional<policy::Refusal> acquire(const std::vector<std::size_t>& wanted, bool repeat);
  std::vector<std::size_t> untried() const;
  std::vector<std::size_t> all() const;
  std::vector<policy::BackendId> ids_of(const std::vector<std::size_t>& candidates) const;
  void take(std::size_t index, const policy::Permit& permit);
  void adopt(std::size_t index);
  void attempt_failed(policy::Outcome outcome, const wire::ApiError& error, std::string_view cause);
  policy::Decision decide(const policy::Outcome& outcome, bool committed);
  void note_detour(std::string_view backend, std::string_view why);
  void note_skipped(std::size_t index);
  void forget_attempt();
  void give_up(const policy::Refusal& refusal, const std::vector<std::size_t>& wanted);
  bool may_wait_until(TimePoint when) const;
  void wait(const std::vector<std::size_t>& wanted, TimePoint not_before);
  void leave_queue();
  void on_ticket(const policy::TicketEvent& event, const policy::Permit& permit) override;
  void arm_total_limit();

  // exchange_cache.cc: answers that are there already, and keeping those that are made.
  bool ask_cache();
  void on_seat(policy::SeatNews::What what, const policy::CachedAnswerPtr& answer) override;
  void answer_from_cache(const policy::CachedAnswerPtr& answer, CacheUse use);
  void replay();
  wire::EventSink& reply_sink(const translate::ReplyContext& context);
  void keep_answer();
  void stop_leading();
  bool from_cache() const;
  std::string_view cache_header() const;

  void attempt();
  bool wait_for_media(const translate::Target& target);
  translate::Target current_target() const;
  bool lacks_key();
  void cannot_ask(const wire::ApiError& error, std::string_view cause);
  bool goes_on() const;
  void make_reply(translate::ReplyContext context);
  bool relays() const;
  void call(BackendRequest request);
  void attempt_relay();
  bool repair_and_repeat(int status, std::string_view refusal);
  void remember_lessons();
  void remember_states();
  void calibrate();
  void count_prompt();
  translate::InputEstimate calibrated_prompt();
  void answer_without_call();
  void after_reply_input();
  void on_first_content();
  void arm_answer_grace();
  void on_usage_timeout();
  void on_document();
  void on_backend_error();
  void complete();
  void fail(const wire::ApiError& error, std::string_view cause);
  void finish(Outcome outcome);
  void settle();
  void record_reply();
  std::int64_t elapsed_us() const;
  wire::Headers own_headers() const;
  wire::Headers answer_headers() const;

  void on_backend_head(int status, wire::Headers headers) override;
  void on_backend_body(std::string_view bytes) override;
  void on_backend_end() override;
  void on_backend_failed(const BackendFailure& failure) override;

  const Services& services_;
  CatalogPtr catalog_;
  ClientStream& client_;
  Record record_;
  std::unique_ptr<BodyLog> bodies_;            // where they are logged
  std::unique_ptr<Trace> trace_;               // of the client, or begun here
  std::unique_ptr<KnownSecrets> own_secrets_;  // of this client, where a backend gets its key
  TimePoint started_;
  Phase phase_ = Phase::preparing;
  std::unique_ptr<Search> search_;        // nullptr once a stream's content has begun
  std::shared_ptr<Admission> admission_;  // until it is settled
  std::string tenant_;
  Candidate candidate_;                        // the one that is asked, with the key to use
  translate::Api api_ = translate::Api::chat;  // of the attempt
  HeldPermit permit_;
  std::uint32_t tries_ = 0;           // permits so far: what a repair costs is not counted
  policy::TicketId ticket_ = 0;       // 0: not in the queue
  std::unique_ptr<Caching> caching_;  // null: not a request that is cached
  Repairs repairs_;
  translate::InputEstimate prompt_;  // as computed, not calibrated
  std::unique_ptr<Answer> answer_;
  std::unique_ptr<translate::Converter> reply_;
  std::unique_ptr<BackendCall> call_;
  int backend_status_ = 0;
  std::string collected_;      // a document or an error body
  bool cut_ = false;           // the backend's answer ended in its middle
  bool content_seen_ = false;  // of this attempt
  TimerHandle grace_timer_;
  TimerHandle usage_timer_;
  TimerHandle pause_timer_;
  TimerHandle total_timer_;
};

}  // namespace clasp::exchange
