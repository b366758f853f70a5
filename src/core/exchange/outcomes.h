// What a backend's failure is for the rules that keep the service up (core/policy/outcome.h).
#pragma once

#include "core/exchange/ports.h"
#include "core/policy/outcome.h"
#include "core/wire/api_error.h"

namespace clasp::exchange {

// The connection failed. `streaming`: a part of an answer had been understood already.
policy::Outcome outcome_of(const BackendFailure& failure, bool streaming);

// The backend answered with this HTTP status; `error` is what the client would be told, with the
// wait that the backend asked for.
policy::Outcome outcome_of_status(int status, const wire::ApiError& error);

// An error inside a 200, or a body that makes no sense.
policy::Outcome outcome_in_band(const wire::ApiError& error);

}  // namespace clasp::exchange
