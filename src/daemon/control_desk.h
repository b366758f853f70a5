// The control API's commands about backends, breakers and the waiting queue: reads and turns the
// one desk of all workers.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "daemon/control_handlers.h"

namespace clasp::daemon {

void list_backends(ControlDesk& desk, ControlCall& call);
void show_backend(ControlDesk& desk, ControlCall& call);
void enable_backend(ControlDesk& desk, ControlCall& call);

void list_breakers(ControlDesk& desk, ControlCall& call);
void trip_breaker(ControlDesk& desk, ControlCall& call);
void reset_breaker(ControlDesk& desk, ControlCall& call);

void list_queue(ControlDesk& desk, ControlCall& call);
void show_ticket(ControlDesk& desk, ControlCall& call);
void cancel_ticket(ControlDesk& desk, ControlCall& call);
void flush_queue(ControlDesk& desk, ControlCall& call);
void pause_queue(ControlDesk& desk, ControlCall& call);
void resume_queue(ControlDesk& desk, ControlCall& call);

// The queue as operators see it: public pages do not say that somebody has paused it.
json_t* make_full_queue_object(const policy::QueueStatus& status);
// Pieces of answers about one backend: as it is now, with further numbers, or that there is none.
void send_backend(ControlDesk& desk, const ControlCall& call,
                  const std::vector<std::pair<const char*, std::int64_t>>& more = {});
void no_backend(const ControlCall& call);

}  // namespace clasp::daemon
