// See control_desk.h.
#include "daemon/control_desk.h"

#include "base/text.h"
#include "daemon/health_answers.h"

namespace clasp::daemon {

namespace {

// Of a list that an operator looks at.
constexpr std::size_t kMostTickets = 1000;

json_t* ticket_object(const exchange::Catalog& catalog, const policy::TicketInfo& ticket) {
  json_t* out = json_object();
  set(out, "id", text_value(std::to_string(ticket.id)));
  set(out, "client", text_value(scrub_utf8(ticket.client)));
  json_t* names = json_array();
  for (const policy::BackendId id : ticket.backends)
    for (std::size_t i = 0; i < catalog.desk_ids.size(); ++i)
      if (catalog.desk_ids[i] == id)
        json_array_append_new(names, text_value(catalog.backends[i].settings.name));
  set(out, "backends", names);
  set_count(out, "returns", ticket.returns);
  set_count(out, "waited_ms", ticket.waited.count());
  set_count(out, "left_ms", ticket.left.count());
  return out;
}

void no_ticket(ControlCall& call) {
  call.reply->refuse(404, "no_ticket", "no such request is waiting; it may have gone on by now");
}

void send_number(ControlCall& call, const char* name, std::size_t number) {
  const JsonPtr root(json_object());
  set_count(root.get(), name, static_cast<std::int64_t>(number));
  call.reply->send(200, root);
}

}  // namespace

// ---- backends -----------------------------------------------------------------------------------

void no_backend(const ControlCall& call) {
  call.reply->refuse(404, "no_backend",
                     "there is no backend " + scrub_utf8(call.arguments.front().substr(0, 100)) +
                         "; claspctl backends lists them");
}

void send_backend(ControlDesk& desk, const ControlCall& call,
                  const std::vector<std::pair<const char*, std::int64_t>>& more) {
  const TimePoint now = desk.scheduler.now();
  const exchange::CatalogPtr catalog = desk.deeds.catalog();
  const policy::DeskStatus books = desk.desk.snapshot(now);
  for (const auto& [backend, status] : backend_pairs(*catalog, books)) {
    if (backend->settings.name != call.arguments.front()) continue;
    const JsonPtr out(
        make_backend_object(*backend, *status, catalog->settings->breaker.enabled, now));
    for (const auto& [name, number] : more) set_count(out.get(), name, number);
    return call.reply->send(200, out);
  }
  no_backend(call);
}

void list_backends(ControlDesk& desk, ControlCall& call) {
  const TimePoint now = desk.scheduler.now();
  const exchange::CatalogPtr catalog = desk.deeds.catalog();
  const policy::DeskStatus books = desk.desk.snapshot(now);
  const JsonPtr root(json_object());
  json_t* list = json_array();
  for (const auto& [backend, status] : backend_pairs(*catalog, books))
    json_array_append_new(
        list, make_backend_object(*backend, *status, catalog->settings->breaker.enabled, now));
  set(root.get(), "backends", list);
  call.reply->send(200, root);
}

void show_backend(ControlDesk& desk, ControlCall& call) {
  send_backend(desk, call);
}

void enable_backend(ControlDesk& desk, ControlCall& call) {
  if (!desk.desk.set_admin_state(call.arguments.front(), policy::AdminState::enabled,
                                 desk.scheduler.now()))
    return no_backend(call);
  send_backend(desk, call);
}

// ---- breakers -----------------------------------------------------------------------------------

void list_breakers(ControlDesk& desk, ControlCall& call) {
  const TimePoint now = desk.scheduler.now();
  const exchange::CatalogPtr catalog = desk.deeds.catalog();
  const policy::DeskStatus books = desk.desk.snapshot(now);
  const JsonPtr root(json_object());
  set(root.get(), "enabled", json_boolean(catalog->settings->breaker.enabled));
  json_t* list = json_array();
  for (const auto& [backend, status] : backend_pairs(*catalog, books)) {
    json_t* one = json_object();
    set(one, "backend", text_value(backend->settings.name));
    set(one, "state", text_value(policy::breaker_state_name(status->breaker.state)));
    set_count(one, "times_opened", static_cast<std::int64_t>(status->breaker.times_opened));
    set_count(one, "failures", static_cast<std::int64_t>(status->breaker.failures));
    set_count(one, "failures_in_row", status->breaker.failures_in_row);
    if (!status->breaker.last_cause.empty())
      set(one, "last_cause", text_value(status->breaker.last_cause));
    if (status->breaker.state == policy::BreakerState::open &&
        status->breaker.retry_after != policy::Breaker::kForever)
      set_count(one, "retry_after_ms", status->breaker.retry_after.count());
    json_array_append_new(list, one);
  }
  set(root.get(), "breakers", list);
  call.reply->send(200, root);
}

void trip_breaker(ControlDesk& desk, ControlCall& call) {
  if (!desk.deeds.catalog()->settings->breaker.enabled)
    return call.reply->refuse(409, "breaker_off",
                              "circuit breakers are off; enabled = true in [circuit_breaker] "
                              "switches them on");
  if (!desk.desk.trip_breaker(call.arguments.front(), desk.scheduler.now()))
    return no_backend(call);
  send_backend(desk, call);
}

void reset_breaker(ControlDesk& desk, ControlCall& call) {
  if (!desk.desk.reset_breaker(call.arguments.front(), desk.scheduler.now()))
    return no_backend(call);
  send_backend(desk, call);
}

// ---- the queue ----------------------------------------------------------------------------------

json_t* make_full_queue_object(const policy::QueueStatus& status) {
  json_t* out = make_queue_object(status);
  set(out, "paused", json_boolean(status.paused));
  return out;
}

void list_queue(ControlDesk& desk, ControlCall& call) {
  const TimePoint now = desk.scheduler.now();
  const exchange::CatalogPtr catalog = desk.deeds.catalog();
  const policy::QueueStatus status = desk.desk.snapshot(now).queue;
  const JsonPtr root(make_full_queue_object(status));
  set(root.get(), "enabled", json_boolean(status.enabled));
  json_t* list = json_array();
  for (const policy::TicketInfo& ticket : desk.desk.tickets(now, kMostTickets))
    json_array_append_new(list, ticket_object(*catalog, ticket));
  set(root.get(), "tickets", list);
  call.reply->send(200, root);
}

void show_ticket(ControlDesk& desk, ControlCall& call) {
  const exchange::CatalogPtr catalog = desk.deeds.catalog();
  const auto id = parse_unsigned(call.arguments.front());
  for (const policy::TicketInfo& ticket : desk.desk.tickets(desk.scheduler.now(), kMostTickets))
    if (id && ticket.id == *id)
      return call.reply->send(200, JsonPtr(ticket_object(*catalog, ticket)));
  no_ticket(call);
}

void cancel_ticket(ControlDesk& desk, ControlCall& call) {
  const auto id = parse_unsigned(call.arguments.front());
  if (!id || !desk.desk.cancel_ticket(*id, desk.scheduler.now())) return no_ticket(call);
  send_number(call, "cancelled", 1);
}

void flush_queue(ControlDesk& desk, ControlCall& call) {
  send_number(call, "cancelled", desk.desk.flush_queue(desk.scheduler.now()));
}

void pause_queue(ControlDesk& desk, ControlCall& call) {
  if (!desk.desk.snapshot(desk.scheduler.now()).queue.enabled)
    return call.reply->refuse(409, "queue_off",
                              "the queue is off, so that nobody waits who could be held back; "
                              "enabled = true in [queue] switches it on");
  desk.desk.pause_queue(true, desk.scheduler.now());
  list_queue(desk, call);
}

void resume_queue(ControlDesk& desk, ControlCall& call) {
  desk.desk.pause_queue(false, desk.scheduler.now());
  list_queue(desk, call);
}

}  // namespace clasp::daemon
