// Texts made from the option table: help, sample file, parts of the manual pages, completions.
// They are committed files; tools/check-generated compares them with what the table says now.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/options.h"

namespace clasp::config {

// What `clasp -help` prints, 100 columns wide at most.
std::string emit_help();
// One of the kinds of the hidden option -emit; empty for another word.
std::string emit(std::string_view kind);

std::string emit_sample();
std::string emit_man_options();
std::string emit_man_environment();
std::string emit_man_file();
std::string emit_bash();
std::string emit_zsh();

// ---- shared by the emitters --------------------------------------------------------------------

// `text` in lines of at most `width` columns, broken at blanks.
std::vector<std::string> wrap(std::string_view text, std::size_t width);
// "CLASP_ALIAS_*" for people: "CLASP_ALIAS_NAME".
std::string show_variable(std::string_view variable);
std::string_view first_variable(const Option& option);
// The variables of an option, the first one first, joined by `joint`.
std::string show_variables(const Option& option, std::string_view joint);
// The key as it may be written in a file: a '*' is replaced by an example.
std::string sample_key(const Option& option);
// A value that the option takes: its default, or an example.
std::string sample_value(const Option& option);
// The options of a section that can stand in a file.
std::vector<const Option*> keys_of(const Section& section);

}  // namespace clasp::config
