// Help text and sample file.
#include "config/emit.h"

#include <algorithm>

#include "base/text.h"

namespace clasp::config {
namespace {

constexpr std::size_t kHelpWidth = 100;
constexpr std::size_t kHelpIndent = 30;
constexpr std::size_t kSampleWidth = 96;

struct Emitter {
  std::string_view kind;
  std::string (*emit)();
};
constexpr Emitter kEmitters[] = {
    {"sample", emit_sample},
    {"man-options", emit_man_options},
    {"man-environment", emit_man_environment},
    {"man-file", emit_man_file},
    {"bash", emit_bash},
    {"zsh", emit_zsh},
};

// "(CLASP_PORT, default 8080)", or nothing.
std::string help_remark(const Option& option) {
  std::vector<std::string> parts;
  if (!option.flag.empty() && !option.env.empty()) parts.push_back(show_variables(option, ", "));
  if (!option.default_text.empty() && !option.is_switch())
    parts.push_back("default " + option.default_text);
  std::string out;
  for (const std::string& part : parts) out.append(out.empty() ? "(" : "; ").append(part);
  return out.empty() ? out : out + ")";
}

void help_row(std::string& out, const Option& option) {
  std::string head = "  ";
  head.append(option.flag.empty() ? show_variable(first_variable(option)) : "-" + option.flag);
  if (!option.flag.empty() && !option.is_switch()) head.append(" ").append(option.argument);
  const std::string remark = help_remark(option);
  bool first = true;
  for (const std::string& line :
       wrap(option.help + (remark.empty() ? "" : " " + remark), kHelpWidth - kHelpIndent)) {
    if (first && head.size() + 2 > kHelpIndent) out.append(head).append("\n");
    const std::size_t used = first && head.size() + 2 <= kHelpIndent ? head.size() : 0;
    if (used > 0) out.append(head);
    out.append(kHelpIndent - used, ' ').append(line).append("\n");
    first = false;
  }
}

bool in_help(const Option& option) {
  if (option.hidden || option.status == Status::retired) return false;
  return !option.flag.empty() || (!option.env.empty() && option.status == Status::available);
}

void help_group(std::string& out, std::string_view title, std::string_view section) {
  std::string rows;
  for (const Option& option : options())
    if (option.section == section && in_help(option)) help_row(rows, option);
  if (!rows.empty()) out.append("\n").append(title).append(":\n").append(rows);
}

void comment(std::string& out, std::string_view text) {
  for (const std::string& line : wrap(text, kSampleWidth))
    out.append("# ").append(line).append("\n");
}

void sample_row(std::string& out, const Option& option) {
  out.append("\n");
  comment(out, option.help);
  std::string origin;
  if (!option.flag.empty()) origin = "Flag -" + option.flag;
  if (!option.env.empty())
    origin.append(origin.empty() ? "Environment: " : "; environment: ")
        .append(show_variables(option, ", "));
  if (!origin.empty()) comment(out, origin + ".");
  out.append("#")
      .append(sample_key(option))
      .append(" = ")
      .append(sample_value(option))
      .append("\n");
}

}  // namespace

std::string_view first_variable(const Option& option) {
  return std::string_view(option.env).substr(0, option.env.find(' '));
}

std::vector<std::string> wrap(std::string_view text, std::size_t width) {
  std::vector<std::string> lines;
  std::string line;
  for (std::string_view word : split(text, ' ')) {
    if (word.empty()) continue;
    if (!line.empty() && line.size() + 1 + word.size() > width) {
      lines.push_back(std::move(line));
      line.clear();
    }
    line.append(line.empty() ? "" : " ").append(word);
  }
  if (!line.empty()) lines.push_back(std::move(line));
  return lines;
}

std::string show_variable(std::string_view variable) {
  if (variable.empty() || variable.back() != '*') return std::string(variable);
  return std::string(variable.substr(0, variable.size() - 1)) + "NAME";
}

std::string show_variables(const Option& option, std::string_view joint) {
  std::string out;
  for (std::string_view variable : split(option.env, ' '))
    out.append(out.empty() ? "" : joint).append(show_variable(variable));
  return out;
}

std::string sample_key(const Option& option) {
  if (option.key == "*") return "fast";
  if (option.key == "header.*") return "header.X-Title";
  if (option.key == "flag.*") return "flag.top_k";
  if (option.key == "body.*") return "body.seed";
  return option.key;
}

std::string sample_value(const Option& option) {
  if (!option.default_text.empty()) return option.default_text;
  if (option.key == "header.*") return "clasp";
  if (option.key == "flag.*") return "true";
  if (option.key == "body.*") return "1";
  switch (option.domain.kind) {
    case Kind::boolean:
      return "false";
    case Kind::url:
      return "https://api.example.com/v1";
    case Kind::money:
      return "2.50";
    case Kind::path:
      return "/etc/clasp/" + option.key;
    case Kind::choice:
    case Kind::text:
      if (!option.domain.choices.empty())
        return std::string(option.domain.choices.substr(0, option.domain.choices.find('|')));
      return option.argument.empty() ? "NAME" : option.argument;
    default:
      return option.argument.empty() ? "VALUE" : option.argument;
  }
}

std::vector<const Option*> keys_of(const Section& section) {
  std::vector<const Option*> keys;
  for (const Option& option : options())
    if (option.section == section.name && !option.key.empty()) keys.push_back(&option);
  return keys;
}

std::string emit_help() {
  std::string out =
      "usage: clasp [options]\n"
      "\n"
      "Serves the Anthropic Messages API and answers it from an OpenAI-compatible backend.\n"
      "Flags may be written with one dash or two, with a blank or = before the value. They are "
      "stronger\n"
      "than environment variables, those than the configuration file. clasp(8) and clasp.conf(5) "
      "say more.\n";
  help_group(out, "General", "");
  for (const Section& section : sections()) help_group(out, section.title, section.name);
  return out;
}

std::string emit_sample() {
  std::string out =
      "# Configuration of CLASP, see clasp.conf(5). Everything is optional; the commented lines "
      "show the\n"
      "# defaults or an example. Flags and environment variables are stronger than this file.\n"
      "# Comments begin with # or ; at the start of a line, or with ; after a blank.\n"
      "# ${NAME} in a value stands for an environment variable, which must be set.\n";
  for (const Section& section : sections()) {
    const auto keys = keys_of(section);
    out.append("\n\n");
    comment(out, section.text);
    const bool only_named = !section.rest.empty();
    out.append(only_named ? "#[" : "[").append(section.name);
    if (only_named) out.append(" ").append(section.rest);
    out.append("]\n");
    for (const Option* option : keys) sample_row(out, *option);
  }
  return out;
}

std::string emit(std::string_view kind) {
  for (const Emitter& emitter : kEmitters)
    if (emitter.kind == kind) return emitter.emit();
  return "";
}

}  // namespace clasp::config
