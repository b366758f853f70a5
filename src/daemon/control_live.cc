// See control_live.h.
#include "daemon/control_live.h"

#include <algorithm>

#include "base/text.h"
#include "base/words.h"
#include "daemon/control_desk.h"
#include "daemon/endpoints.h"

namespace clasp::daemon {

namespace {

constexpr Duration kIdleCheck{50};
constexpr std::uint64_t kUsualSeconds = 25, kMostSeconds = 86'400;

void set_text(json_t* object, const char* name, std::string_view text) {
  set(object, name, text_value(scrub_utf8(text)));
}

WorkerQuestion everything() {
  return [](Endpoints& endpoints) { return WorkerWord{endpoints.list(kMostExchanges)}; };
}

void no_exchange(ControlReply& reply) {
  reply.refuse(404, "no_exchange", "no such request is running; it may be over by now");
}

wire::ApiError operators_word(const char* message) {
  wire::ApiError error = wire::make_error(wire::ErrorType::overloaded, message);
  error.should_retry = true;
  return error;
}

}  // namespace

json_t* make_exchange_object(const exchange::ExchangeInfo& info) {
  json_t* out = json_object();
  set_text(out, "id", info.request_id);
  set_text(out, "client", info.client);
  if (!info.client_name.empty()) set_text(out, "client_name", info.client_name);
  set_text(out, "model", info.model_asked);
  set_text(out, "model_used", info.model_used);
  set_text(out, "backend", info.backend);
  set_text(out, "phase", info.phase);
  set(out, "stream", json_boolean(info.stream));
  set_count(out, "age_ms", info.age_ms);
  set_count(out, "queued_ms", info.queued_ms);
  set_count(out, "bytes_out", static_cast<std::int64_t>(info.bytes_out));
  set_count(out, "attempts", info.attempts);
  const std::string_view cache = exchange::render_cache_use(info.cache);
  set_text(out, "cache", cache.empty() ? "off" : cache);
  return out;
}

// ---- requests in flight ---------------------------------------------------------------------

void list_exchanges(ControlDesk& desk, ControlCall& call) {
  desk.polls.ask(everything(), [reply = call.reply](WorkerWord word, std::size_t silent) {
    auto& list = word.exchanges;
    std::stable_sort(list.begin(), list.end(),
                     [](const auto& a, const auto& b) { return a.age_ms > b.age_ms; });
    const JsonPtr root(json_object());
    json_t* out = json_array();
    for (const exchange::ExchangeInfo& info : list)
      json_array_append_new(out, make_exchange_object(info));
    set(root.get(), "exchanges", out);
    set_count(root.get(), "silent_workers", static_cast<std::int64_t>(silent));
    reply->send(200, root);
  });
}

void show_exchange(ControlDesk& desk, ControlCall& call) {
  desk.polls.ask(
      [id = call.arguments.front()](Endpoints& endpoints) {
        WorkerWord word;
        if (auto info = endpoints.find(id)) word.exchanges.push_back(std::move(*info));
        return word;
      },
      [reply = call.reply](const WorkerWord& word, std::size_t) {
        if (word.exchanges.empty()) return no_exchange(*reply);
        reply->send(200, JsonPtr(make_exchange_object(word.exchanges.front())));
      });
}

void cancel_exchange(ControlDesk& desk, ControlCall& call) {
  desk.polls.ask(
      [id = call.arguments.front()](Endpoints& endpoints) {
        const wire::ApiError error = operators_word("the operator ended this request; try again");
        return WorkerWord{{},
                          endpoints.end_exchanges(error, "ended by the operator",
                                                  [&id](const exchange::Exchange& one) {
                                                    return one.request_id() == id;
                                                  })};
      },
      [reply = call.reply](const WorkerWord& word, std::size_t) {
        if (word.ended == 0) return no_exchange(*reply);
        const JsonPtr root(json_object());
        set_count(root.get(), "cancelled", static_cast<std::int64_t>(word.ended));
        reply->send(200, root);
      });
}

void tail(ControlDesk& desk, ControlCall& call) {
  const auto value = [&call](std::string_view name) {
    return control::query_value(call.query, name);
  };
  TailFilter filter{value("client"), value("model"), value("backend"), false};
  const std::string errors = value("errors");
  if (!errors.empty() && errors != "0" && errors != "1")
    return call.reply->refuse(400, "bad_argument", "errors must be 0 or 1");
  filter.errors = errors == "1";
  if (!desk.tails.add(call.reply, std::move(filter)))
    call.reply->refuse(429, "too_many", "too many are watching already");
}

// ---- out of service, and back -----------------------------------------------------------------

namespace {

void send_state(ControlDesk& desk, const ControlReplyPtr& reply) {
  desk.polls.ask(
      [](Endpoints& endpoints) {
        WorkerWord word;
        word.running = endpoints.exchanges();
        return word;
      },
      [&desk, reply](const WorkerWord& word, std::size_t) {
        const JsonPtr root(json_object());
        set(root.get(), "draining", json_boolean(desk.deeds.draining()));
        set_count(root.get(), "running", static_cast<std::int64_t>(word.running));
        if (const auto left = desk.deeds.rest_left())
          set_count(root.get(), "deadline_ms", left->count());
        reply->send(200, root);
      });
}

void set_resting(ControlDesk& desk, ControlCall& call, bool resting) {
  if (desk.deeds.stopping()) return call.reply->refuse(409, "draining", "the daemon is stopping");
  desk.deeds.set_resting(resting);
  send_state(desk, call.reply);
}

}  // namespace

void drain(ControlDesk& desk, ControlCall& call) {
  set_resting(desk, call, true);
}

void undrain(ControlDesk& desk, ControlCall& call) {
  set_resting(desk, call, false);
}

// ---- backends -----------------------------------------------------------------------------------

void disable_backend(ControlDesk& desk, ControlCall& call) {
  if (!desk.desk.set_admin_state(call.arguments.front(), policy::AdminState::disabled,
                                 desk.scheduler.now()))
    return no_backend(call);
  desk.polls.ask(
      [name = call.arguments.front()](Endpoints& endpoints) {
        const wire::ApiError error =
            operators_word("the backend was taken out of service; try again");
        return WorkerWord{{},
                          endpoints.end_exchanges(
                              error, "backend disabled by the operator",
                              [&name](const exchange::Exchange& one) { return one.asks(name); })};
      },
      [&desk, call](const WorkerWord& word, std::size_t) mutable {
        send_backend(desk, call, {{"ended", static_cast<std::int64_t>(word.ended)}});
      });
}

namespace {

// Looks from time to time until the backend is idle; the asker may have gone meanwhile.
void look_at_drain(ControlDesk& desk, const ControlCall& call, TimePoint deadline) {
  const std::string& name = call.arguments.front();
  if (call.reply->gone()) return;
  const TimePoint now = desk.scheduler.now();
  const policy::DeskStatus books = desk.desk.snapshot(now);
  const auto status = std::find_if(books.backends.begin(), books.backends.end(),
                                   [&name](const auto& one) { return one.name == name; });
  if (status == books.backends.end()) return no_backend(call);
  if (status->in_flight == 0) return send_backend(desk, call);
  if (now >= deadline)
    return call.reply->refuse(504, "still_busy",
                              name + " takes nothing new, and is still answering " +
                                  counted(status->in_flight, "request") +
                                  "; claspctl exchanges lists them");
  desk.later.run(kIdleCheck, [&desk, call, deadline] { look_at_drain(desk, call, deadline); });
}

}  // namespace

void drain_backend(ControlDesk& desk, ControlCall& call) {
  const std::string text = control::query_value(call.query, "seconds");
  const auto seconds =
      text.empty() ? std::optional<std::uint64_t>(kUsualSeconds) : parse_unsigned(text);
  if (!seconds || *seconds > kMostSeconds)
    return call.reply->refuse(400, "bad_argument", "seconds must be a number, 0 to 86400");
  const TimePoint now = desk.scheduler.now();
  if (!desk.desk.set_admin_state(call.arguments.front(), policy::AdminState::draining, now))
    return no_backend(call);
  look_at_drain(desk, call, now + std::chrono::seconds(static_cast<std::int64_t>(*seconds)));
}

}  // namespace clasp::daemon
