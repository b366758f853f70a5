// Completion of the command line for bash and zsh.
#include "base/text.h"
#include "config/emit.h"

namespace clasp::config {
namespace {

bool shown(const Option& option) {
  return !option.flag.empty() && !option.hidden;
}

std::string words_of(const Option& option) {
  std::string out;
  for (char c : option.domain.choices) out.push_back(c == '|' ? ' ' : c);
  return out;
}

// Inside single quotes, in the brackets of a zsh option description.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (char c : text.substr(0, text.find(". "))) {
    if (c == '\'') {
      out.append("'\\''");
      continue;
    }
    if (c == '[' || c == ']' || c == ':' || c == '\\') out.push_back('\\');
    out.push_back(c);
  }
  while (!out.empty() && out.back() == '.') out.pop_back();
  return out;
}

std::string zsh_action(const Option& option) {
  if (option.domain.kind == Kind::path) return ":file:_files";
  if (!option.domain.choices.empty()) return ":value:(" + words_of(option) + ")";
  return ":" + to_lower(option.argument.empty() ? "value" : option.argument) + ": ";
}

}  // namespace

std::string emit_bash() {
  std::string flags, files, values, choices;
  for (const Option& option : options()) {
    if (!shown(option)) continue;
    flags.append(flags.empty() ? "" : " ").append("-" + option.flag);
    if (option.is_switch()) continue;
    const std::string pattern = "-" + option.flag + "|--" + option.flag;
    if (option.domain.kind == Kind::path)
      files.append(files.empty() ? "" : "|").append(pattern);
    else if (!option.domain.choices.empty())
      choices.append("    ")
          .append(pattern)
          .append(")\n      mapfile -t COMPREPLY < <(compgen -W \"")
          .append(words_of(option))
          .append("\" -- \"$cur\")\n      return ;;\n");
    else
      values.append(values.empty() ? "" : "|").append(pattern);
  }
  std::string out =
      "# bash completion for clasp, made from its option table.\n"
      "_clasp() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
      "  case $prev in\n";
  out.append(choices);
  out.append("    ").append(files).append(
      ")\n      mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n      return ;;\n");
  out.append("    ").append(values).append(")\n      return ;;\n");
  out.append("  esac\n  mapfile -t COMPREPLY < <(compgen -W \"")
      .append(flags)
      .append("\" -- \"$cur\")\n}\ncomplete -F _clasp clasp\n");
  return out;
}

std::string emit_zsh() {
  std::string out =
      "#compdef clasp\n# zsh completion for clasp, made from its option table.\n_arguments \\\n";
  for (const Option& option : options()) {
    if (!shown(option)) continue;
    const bool repeats = option.domain.kind == Kind::list;
    out.append("  '")
        .append(repeats ? "*" : "")
        .append("-")
        .append(option.flag)
        .append("[")
        .append(zsh_text(option.help))
        .append("]");
    if (!option.is_switch()) out.append(zsh_action(option));
    out.append("' \\\n");
  }
  out.resize(out.size() - 3);
  return out + "\n";
}

}  // namespace clasp::config
