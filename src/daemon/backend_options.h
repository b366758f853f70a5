// The backend client's options from the settings and the customary proxy variables.
#pragma once

#include "config/settings.h"
#include "daemon/backend_client.h"

namespace clasp::daemon {

BackendClientOptions make_backend_options(const config::Settings& settings);

}  // namespace clasp::daemon
