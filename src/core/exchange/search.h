// What an exchange needs to ask a backend, and another one when that fails: the request itself,
// where it may go and how far it got. Once the answer's content has begun nobody else is asked, so
// a stream lets go of all this then and keeps only what the rest of the answer needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/scheduler.h"
#include "core/exchange/catalog.h"
#include "core/exchange/ports.h"
#include "core/exchange/preparation.h"
#include "core/exchange/states.h"
#include "core/translate/request.h"
#include "core/wire/anthropic_request.h"

namespace clasp::exchange {

struct Failure {
  wire::ApiError error;
  std::string cause;
};

struct Search {
  RequestHead head;
  std::string body;
  std::string plain_body;         // where what is translated is not what came
  wire::MessagesRequest request;  // views into one of the two
  // What is wrong with the request for every backend but one that judges shapes by itself.
  std::optional<wire::ApiError> refusal;
  translate::RequestFacts facts;
  std::optional<TenantStates> kept_states;
  translate::PreparedMedia media;  // its keys are views too
  std::unique_ptr<Preparation> preparation;
  std::string message_id;  // the same for all attempts

  Route route;              // never empty once a route was chosen
  std::vector<bool> tried;  // of route, since the request last waited
  std::size_t at = 0;       // the candidate that is asked, in route
  std::optional<Failure> last_failure;
  wire::Headers backend_headers;

  Secret client_key;                   // for backends that want the client's own
  std::string client_name;             // whose turn it is in the queue
  std::vector<std::size_t> waits_for;  // with a ticket: places in route
  TimePoint queued_since{};
  std::uint32_t returns = 0;  // into the queue
};

}  // namespace clasp::exchange
