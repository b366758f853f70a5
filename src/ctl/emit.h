// Texts made from the command table: help, a part of the manual page, completions.
#pragma once

#include <string>
#include <string_view>

namespace clasp::ctl {

std::string emit_help();
// "bash", "zsh", "man-commands"; empty for anything else.
std::string emit(std::string_view kind);

}  // namespace clasp::ctl
