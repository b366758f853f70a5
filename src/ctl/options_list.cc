// claspctl config options. See local.h.
#include "config/options.h"
#include "ctl/json.h"
#include "ctl/local.h"

namespace clasp::ctl {

namespace {

std::string name_of(const config::Option& option) {
  if (option.key.empty()) return "-" + option.flag;
  const config::Section* section = config::find_section(option.section);
  const bool named = section != nullptr && section->named && !section->rest.empty();
  return "[" + option.section + (named ? " " + std::string(section->rest) : "") + "] " + option.key;
}

std::string wrapped(std::string_view text) {
  constexpr std::size_t kWidth = 76;
  std::string out, line;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    const std::string_view word = text.substr(0, end);
    if (!line.empty() && line.size() + 1 + word.size() > kWidth) {
      out.append("    ").append(line).append("\n");
      line.clear();
    }
    line.append(line.empty() ? "" : " ").append(word);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
  return line.empty() ? out : out.append("    ").append(line).append("\n");
}

json_t* text(std::string_view value) {
  return json_stringn(value.data(), value.size());
}

}  // namespace

Result<std::string> list_options(const Call& call, const World&) {
  std::string out;
  const JsonPtr list(json_array());
  for (const config::Option& option : config::options()) {
    if (option.hidden || option.status == config::Status::retired) continue;
    if (!call.json) {
      out.append(name_of(option));
      if (!option.default_text.empty()) out.append(" = ").append(option.default_text);
      if (!option.flag.empty() && !option.key.empty()) out.append("   -").append(option.flag);
      if (!option.env.empty()) out.append("   ").append(option.env);
      out.append("\n").append(wrapped(option.help));
      continue;
    }
    json_t* one = json_object();
    json_object_set_new(one, "section", text(option.section));
    json_object_set_new(one, "key", text(option.key));
    json_object_set_new(one, "flag", text(option.flag));
    json_object_set_new(one, "environment", text(option.env));
    json_object_set_new(one, "default", text(option.default_text));
    json_object_set_new(one, "help", text(option.help));
    json_array_append_new(list.get(), one);
  }
  if (!call.json) return out;
  const JsonPtr root(json_pack("{s:O}", "options", list.get()));
  const std::unique_ptr<char, void (*)(void*)> dumped(json_dumps(root.get(), JSON_COMPACT), free);
  return std::string(dumped ? dumped.get() : "{}") + "\n";
}

}  // namespace clasp::ctl
