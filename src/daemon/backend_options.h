// The backend client's options from the settings and the customary proxy variables.
#pragma once

#include "base/secret.h"
#include "config/settings.h"
#include "daemon/backend_client.h"

namespace clasp::daemon {

BackendClientOptions make_backend_options(const config::Settings& settings);

// Names and passwords in those variables: a proxy may quote what it was sent.
KnownSecrets proxy_secrets();

}  // namespace clasp::daemon
