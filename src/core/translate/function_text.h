// What models of OpenAI's see of a function: types in the manner of TypeScript, made of its JSON
// schema. For counting; nothing of it is sent. Private to this room.
#pragma once

#include <string>
#include <string_view>

namespace clasp::translate {

// All functions stand between these two.
inline constexpr std::string_view kFunctionsBegin =
    "# Tools\n\n## functions\n\nnamespace functions {\n\n";
inline constexpr std::string_view kFunctionsEnd = "} // namespace functions";

// Name and description are raw strings (the insides of JSON strings), the schema is JSON that was
// read once; each may be empty.
void append_function_text(std::string& out, std::string_view name_raw,
                          std::string_view description_raw, std::string_view schema_json);

}  // namespace clasp::translate
