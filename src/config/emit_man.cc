// The parts of clasp(8) and clasp.conf(5) that list options, in mdoc.
#include "base/text.h"
#include "config/emit.h"

namespace clasp::config {
namespace {

std::string escape(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '\\')
      out.append("\\e");
    else if (c == '"')
      out.append("\\(dq");
    else
      out.push_back(c);
  }
  return out;
}

// One argument of a macro; words that are macro names themselves do not occur here.
std::string argument(std::string_view text) {
  const std::string escaped = escape(text);
  return escaped.find(' ') == std::string::npos ? escaped : "\"" + escaped + "\"";
}

// Running text: each sentence on a line of its own, no line that looks like a macro.
void paragraph(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto end = text.find(". ");
    const std::string_view sentence = text.substr(0, end == std::string_view::npos ? end : end + 1);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 2);
    for (const std::string& line : wrap(sentence, 78)) {
      if (line[0] == '.' || line[0] == '\'') out.append("\\&");
      out.append(escape(line)).append("\n");
    }
  }
}

void remarks(std::string& out, const Option& option) {
  if (!option.default_text.empty() && !option.is_switch())
    out.append("The default is\n.Ql ").append(argument(option.default_text)).append(" .\n");
  if (option.is_switch() && option.default_text == "true") out.append("On by default.\n");
  if (option.status == Status::retired) paragraph(out, "Without effect: " + option.instead + ".");
}

std::string show_argument(const Option& option) {
  return option.is_switch() ? "" : option.argument;
}

void variables(std::string& out, const Option& option) {
  bool first = true;
  for (std::string_view variable : split(option.env, ' ')) {
    if (variable.empty()) continue;
    out.append(first ? "Environment:\n" : "or\n").append(".Ev ").append(show_variable(variable));
    out.append("\n");
    first = false;
  }
  if (!first) out.insert(out.size() - 1, " .");
}

}  // namespace

std::string emit_man_options() {
  std::string out = ".Bl -tag -width Ds\n";
  for (const Option& option : options()) {
    if (option.flag.empty() || option.hidden) continue;
    out.append(".It Fl ").append(option.flag);
    if (!option.is_switch()) out.append(" Ar ").append(show_argument(option));
    out.append("\n");
    paragraph(out, option.help);
    remarks(out, option);
    variables(out, option);
  }
  return out + ".El\n";
}

std::string emit_man_environment() {
  std::string out = ".Bl -tag -width Ds\n";
  for (const Option& option : options()) {
    if (option.env.empty()) continue;
    bool first = true;
    for (std::string_view variable : split(option.env, ' ')) {
      out.append(".It Ev ").append(show_variable(variable)).append("\n");
      if (!first)
        out.append("The same as\n.Ev ")
            .append(show_variable(first_variable(option)))
            .append(" ,\nwhich is stronger.\n");
      if (first && !option.flag.empty())
        out.append("The same as\n.Fl ").append(option.flag).append(" .\n");
      if (first && option.flag.empty()) {
        paragraph(out, option.help);
        remarks(out, option);
      }
      first = false;
    }
  }
  return out + ".El\n";
}

std::string emit_man_file() {
  std::string out;
  for (const Section& section : sections()) {
    out.append(".Ss Section ").append(section.name);
    if (!section.rest.empty())
      out.append(" ").append(section.rest);
    else if (section.named)
      out.append(", also with a name");
    out.append("\n");
    paragraph(out, section.text);
    out.append(".Bl -tag -width Ds\n");
    for (const Option* option : keys_of(section)) {
      const std::string key = option->key == "*" ? "NAME" : option->key;
      out.append(".It Ic ").append(argument(key)).append(" No = Ar ");
      out.append(option->is_switch() ? "yes|no" : show_argument(*option)).append("\n");
      paragraph(out, option->help);
      if (option->is_switch() && option->default_text == "true") out.append("On by default.\n");
      if (!option->default_text.empty() && !option->is_switch())
        out.append("The default is\n.Ql ").append(argument(option->default_text)).append(" .\n");
      if (!option->flag.empty()) out.append("Flag:\n.Fl ").append(option->flag).append(" .\n");
      variables(out, *option);
    }
    out.append(".El\n");
  }
  return out;
}

}  // namespace clasp::config
