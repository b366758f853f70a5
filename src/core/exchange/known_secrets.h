// Which words of a configuration are secrets that may come back in a text from outside.
#pragma once

#include "base/secret.h"
#include "config/settings.h"

namespace clasp::exchange {

// Keys of all backends, values of extra headers but for well-known harmless ones, and what looks
// like a key in an address. `secrets`: those that are known from elsewhere.
KnownSecrets known_secrets(const config::Settings& settings, KnownSecrets secrets = {});

}  // namespace clasp::exchange
