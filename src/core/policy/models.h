// Which model a backend is asked for. Pure; the settings decide.
#pragma once

#include <string>
#include <string_view>

#include "config/settings.h"

namespace clasp::policy {

// The client's name without the suffix by which clients ask for a longer context ("…[1m]").
std::string_view strip_context_suffix(std::string_view asked);

// Exact alias, then the most specific alias with * or ?, then the tier whose name is in the
// text, then the backend's model, then the default one, else the client's own name.
// Aliases are looked up once; what one stands for is not looked up again.
std::string resolve_model(const config::ModelSettings& models,
                          const config::BackendSettings& backend, std::string_view asked);

// False when the client's own name would be passed on and no [model NAME] section without * and ?
// has that name.
bool is_known_model(const config::ModelSettings& models, const config::BackendSettings& backend,
                    std::string_view asked);

}  // namespace clasp::policy
