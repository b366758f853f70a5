// The control API's commands about what is going on at this moment: the requests in flight of all
// workers.
#pragma once

#include "core/exchange/exchange_info.h"
#include "daemon/control_handlers.h"

namespace clasp::daemon {

// Of each worker; an operator looks at them.
inline constexpr std::size_t kMostExchanges = 1000;
json_t* make_exchange_object(const exchange::ExchangeInfo& info);

void list_exchanges(ControlDesk& desk, ControlCall& call);
void show_exchange(ControlDesk& desk, ControlCall& call);
void cancel_exchange(ControlDesk& desk, ControlCall& call);

// Requests as they end, a line each, until the asker leaves.
void tail(ControlDesk& desk, ControlCall& call);

// The whole daemon: takes no new messages and says so to load balancers; what runs has until
// timeouts.drain. Listeners stay open.
void drain(ControlDesk& desk, ControlCall& call);
void undrain(ControlDesk& desk, ControlCall& call);

// Takes nothing new for the backend, and ends what it is answering.
void disable_backend(ControlDesk& desk, ControlCall& call);
// Takes nothing new, and answers when it is idle or ?seconds= have passed.
void drain_backend(ControlDesk& desk, ControlCall& call);

}  // namespace clasp::daemon
