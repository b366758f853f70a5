// One backend completed: what its section leaves open comes from the provider's preset, from the
// provider's own variables and, for Azure, from the nameless backend.
#pragma once

#include <optional>

#include "config/load.h"

namespace clasp::config {

// Needs the listeners to be resolved. Nothing when a mistake was added to collector.errors.
std::optional<BackendSettings> finish_backend(Collector& collector, const FileReader& read_file,
                                              const BackendDraft& draft);

bool is_header_name(std::string_view name);
// One of those that frame a message; a second one would let it be read in two ways.
bool is_own_header(std::string_view name);

}  // namespace clasp::config
