// Small pieces of text for messages about connections ("connection refused", "10 s").
#pragma once

#include <string>

#include "base/scheduler.h"

namespace clasp::daemon {

std::string describe_errno(int code);
// Lower-cases the first letter of a library's message.
std::string as_phrase(std::string text);
// Whole seconds when it is some.
std::string render_delay(Duration delay);

}  // namespace clasp::daemon
