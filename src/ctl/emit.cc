// See emit.h.
#include "ctl/emit.h"

#include <algorithm>

#include "base/text.h"
#include "control/commands.h"

namespace clasp::ctl {
namespace {

std::string line_of(const control::Command& command) {
  std::string out(command.words);
  if (!command.arguments.empty()) out.append(" ").append(command.arguments);
  if (!command.options.empty()) out.append(" ").append(command.options);
  if (command.json) out.append(" [--json]");
  return out;
}

std::string emit_man() {
  std::string out;
  for (const control::Command& command : control::commands()) {
    std::string line = ".It Cm " + std::string(command.words);
    if (!command.arguments.empty()) line.append(" Ar ").append(command.arguments);
    for (const control::OwnOption& option : control::own_options(command)) {
      line.append(" Op Fl ").append(option.name.substr(1));
      if (!option.value.empty()) line.append(" Ar ").append(option.value);
    }
    if (command.json) line.append(" Op Fl -json");
    out.append(line).append("\n");
    // Each sentence of a manual page begins a line.
    for (const char c : command.help) out.push_back(c == ' ' && out.back() == '.' ? '\n' : c);
    out.push_back('\n');
  }
  return out;
}

// The shells ask claspctl itself what may come next: it knows the table, and the running daemon
// its names.
std::string emit_bash() {
  return R"(# bash completion for claspctl, which knows itself what may come next.
_claspctl() {
  local words=() word last='' start i
  # Bash takes client=ann for three words. claspctl gets one, and bash the end of its answers.
  for ((i = 1; i <= COMP_CWORD; ++i)); do
    word=${COMP_WORDS[i]}
    if ((${#words[@]})) && [[ $word == [=:]* || $last == *[=:] ]]; then
      words[-1]+=$word
    else
      words+=("$word")
    fi
    last=$word
  done
  word=${words[-1]}
  if ((${#words[@]} > 1)) && [[ ${words[-2]} == --@(socket|binary) ]]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$word")
    return
  fi
  start=${word%"${word##*[=:]}"}
  mapfile -t COMPREPLY < <("${COMP_WORDS[0]/#\~/$HOME}" --complete "${words[@]}" 2>/dev/null)
  for i in "${!COMPREPLY[@]}"; do
    word=${COMPREPLY[i]#"$start"}
    [[ $word == *= ]] && compopt -o nospace
    printf -v 'COMPREPLY[i]' %q "$word"
  done
}
complete -F _claspctl claspctl
)";
}

std::string emit_zsh() {
  return R"(#compdef claspctl
# zsh completion for claspctl, which knows itself what may come next.
if [[ $words[CURRENT-1] == --(socket|binary) ]]; then
  _files
  return
fi
local -a found
found=("${(@f)$(${(Q)~words[1]} --complete "${(@Q)words[2,CURRENT-1]}" "$PREFIX" 2>/dev/null)}")
compadd -S '' -- ${(M)found:#*=}
compadd -- ${found:#*=}
)";
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

// Whether the help of `asked` shows the command; that of "backends" shows all that begin so, that
// of "backends show east" one.
bool is_meant(const control::Command& command, const std::vector<std::string>& asked) {
  std::size_t used = 0;
  if (asked.size() > 1 && control::find_command(asked, used) == &command) return true;
  const auto parts = split(command.words, ' ');
  return asked.size() <= parts.size() && std::equal(asked.begin(), asked.end(), parts.begin());
}

}  // namespace

std::string emit_help(const std::vector<std::string>& asked) {
  const auto commands = control::commands();
  const bool all = std::none_of(commands.begin(), commands.end(),
                                [&](const auto& one) { return is_meant(one, asked); });
  std::string out = "claspctl " CLASP_VERSION
                    ", for whoever runs clasp\n\n"
                    "Usage: claspctl COMMAND [ARGUMENT] [--json]\n\nCommands:\n";
  constexpr std::size_t kColumn = 28;
  for (const control::Command& command : commands) {
    if (!all && !is_meant(command, asked)) continue;
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
         "  --timeout SECONDS         How long to wait for its answer (30)\n"
         "  --help                    Show this text, or what it says of COMMAND\n"
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
