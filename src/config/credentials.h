// Files that systemd hands to the service (LoadCredential=): wherever an option names a file,
// credential:NAME stands for the one of that name.
#pragma once

#include <string>

#include "config/options.h"

namespace clasp::config {

// Puts the paths in their places. `folder` is $CREDENTIALS_DIRECTORY, empty: there is none.
Result<void> find_credentials(const Option& option, const std::string& folder, Value& value);

}  // namespace clasp::config
