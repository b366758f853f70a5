// See emit.h.
#include "ctl/emit.h"

#include <vector>

#include "base/text.h"
#include "control/commands.h"

namespace clasp::ctl {
namespace {

std::string line_of(const control::Command& command) {
  std::string out(command.words);
  if (!command.arguments.empty()) out.append(" ").append(command.arguments);
  if (command.json) out.append(" [--json]");
  return out;
}

std::vector<std::string> first_words() {
  std::vector<std::string> out;
  for (const control::Command& command : control::commands()) {
    std::string word(command.words.substr(0, command.words.find(' ')));
    if (out.empty() || out.back() != word) out.push_back(std::move(word));
  }
  return out;
}

// The second words of the commands that begin with `first`.
std::string second_words(std::string_view first) {
  std::string out;
  for (const control::Command& command : control::commands()) {
    const auto parts = split(command.words, ' ');
    if (parts.size() > 1 && parts[0] == first) out.append(out.empty() ? "" : " ").append(parts[1]);
  }
  return out;
}

std::string emit_man() {
  std::string out;
  for (const control::Command& command : control::commands()) {
    std::string line = ".It Cm " + std::string(command.words);
    if (!command.arguments.empty()) line.append(" Ar ").append(command.arguments);
    if (command.json) line.append(" Op Fl -json");
    out.append(line).append("\n");
    // Each sentence of a manual page begins a line.
    for (const char c : command.help) out.push_back(c == ' ' && out.back() == '.' ? '\n' : c);
    out.push_back('\n');
  }
  return out;
}

std::string emit_bash() {
  std::string firsts;
  for (const std::string& word : first_words()) firsts.append(word).append(" ");
  std::string out =
      "# bash completion for claspctl, made from its command table.\n"
      "_claspctl() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} words=\n"
      "  if [[ $COMP_CWORD -eq 1 ]]; then\n"
      "    words='" +
      firsts +
      "--help --version'\n"
      "  elif [[ $COMP_CWORD -eq 2 ]]; then\n"
      "    case ${COMP_WORDS[1]} in\n";
  for (const std::string& word : first_words())
    out.append("      " + word + ") words='" + second_words(word) + "' ;;\n");
  return out +
         "    esac\n"
         "    [[ ${COMP_WORDS[1]} != claude ]] && words+=' --json'\n"
         "  else\n"
         "    words=--json\n"
         "  fi\n"
         "  mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
         "}\n"
         "complete -F _claspctl claspctl\n";
}

std::string emit_zsh() {
  std::string firsts, cases;
  for (const std::string& word : first_words()) {
    firsts.append(firsts.empty() ? "" : " ").append(word);
    cases.append("    " + word + ") compadd -- " + second_words(word) + " ;;\n");
  }
  return "#compdef claspctl\n"
         "# zsh completion for claspctl, made from its command table.\n"
         "if (( CURRENT == 2 )); then\n"
         "  compadd -- " +
         firsts +
         " --help --version\n"
         "elif (( CURRENT == 3 )); then\n"
         "  case $words[2] in\n" +
         cases +
         "  esac\n"
         "else\n"
         "  compadd -- --json\n"
         "fi\n";
}

// A text in lines that fit a screen, the first one where the cursor is: in that column.
void append_wrapped(std::string& out, std::string_view text, std::size_t column) {
  constexpr std::size_t kScreen = 80;
  std::size_t at = column;
  for (const std::string_view word : split(text, ' ')) {
    if (at > column && at + 1 + word.size() > kScreen) {
      out.append("\n").append(column, ' ');
      at = column;
    }
    if (at > column) out.push_back(' '), ++at;
    out.append(word);
    at += word.size();
  }
  out.push_back('\n');
}

// The requests of the control API, as rows of a table.
std::string emit_requests() {
  std::string out;
  for (const control::Command& command : control::commands()) {
    if (command.is_local()) continue;
    out.append(".It ").append(command.method).append(" Ta ").append(command.path).append(" Ta ");
    out.append(control::privilege_name(command.privilege)).append("\n");
  }
  return out;
}

}  // namespace

std::string emit_help() {
  std::string out = "claspctl " CLASP_VERSION
                    ", for whoever runs clasp\n\n"
                    "Usage: claspctl COMMAND [ARGUMENT] [--json]\n\nCommands:\n";
  constexpr std::size_t kColumn = 28;
  for (const control::Command& command : control::commands()) {
    const std::string line = "  " + line_of(command);
    out.append(line);
    if (line.size() + 2 > kColumn)
      out.append("\n").append(kColumn, ' ');
    else
      out.append(kColumn - line.size(), ' ');
    append_wrapped(out, command.help, kColumn);
  }
  return out +
         "\nOptions:\n"
         "  --json                    Answer in JSON, for programs\n"
         "  --socket PATH             The daemon's control socket\n"
         "  --instance NAME           That of the service clasp@NAME\n"
         "  --binary PATH             The program that upgrade starts, instead of the installed "
         "one\n"
         "  --timeout SECONDS         How long to wait for its answer (30)\n"
         "  --help                    Show this text\n"
         "  --version                 Show the version\n\n"
         "Exit status: 0 done, 1 it could not be done, 2 the command line is wrong,\n3 no daemon "
         "runs, 4 it does not answer or is another version. See claspctl(1).\n";
}

std::string emit(std::string_view kind) {
  if (kind == "bash") return emit_bash();
  if (kind == "zsh") return emit_zsh();
  if (kind == "man-commands") return emit_man();
  if (kind == "api-requests") return emit_requests();
  return {};
}

}  // namespace clasp::ctl
