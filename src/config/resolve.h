// From what the sources said to Settings that can be used: the provider is chosen, presets and
// inherited keys are filled in, and what does not fit together is refused.
#pragma once

#include "config/load.h"

namespace clasp::config {

// Completes collector.draft.settings. Mistakes go to collector.errors, the rest to its warnings.
void resolve(Collector& collector, const FileReader& read_file);

}  // namespace clasp::config
