// Texts made from the command table: help, a part of the manual page, completions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace clasp::ctl {

// Of the commands that begin with these words, or of all.
std::string emit_help(const std::vector<std::string>& asked = {});
// "bash", "zsh", "man-commands"; empty for anything else.
std::string emit(std::string_view kind);

}  // namespace clasp::ctl
