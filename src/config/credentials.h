// Files that systemd hands to the service (LoadCredential=): wherever an option names a file,
// credential:NAME stands for the one of that name.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/options.h"

namespace clasp::config {

// Puts the paths in their places. `folder` is $CREDENTIALS_DIRECTORY, empty: there is none.
Result<void> find_credentials(const Option& option, const std::string& folder, Value& value);

// Under which names the value of a variable is looked for: openai_api_key for OPENAI_API_KEY, as it
// is written too, and both out of a folder that was loaded as "keys".
std::vector<std::string> credential_names(std::string_view variable);

}  // namespace clasp::config
