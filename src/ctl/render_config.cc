// See render_config.h.
#include "ctl/render_config.h"

#include "ctl/pieces.h"
#include "ctl/table.h"

namespace clasp::ctl {

namespace {

std::string restart_line(const json_t* root, const Look& look) {
  const std::string names = join(json_object_get(root, "restart_needed"));
  return names.empty() ? names : paint("needs a restart: ", Hue::warning, look) + names + "\n";
}

// A sentence, the file, and what is to be said about it.
std::string report(const json_t* root, std::string_view sentence, std::string_view before_file,
                   const Look& look) {
  std::string out(sentence);
  const std::string_view file = text_of(root, "config_file");
  if (!file.empty()) out.append(before_file).append(file);
  out.append("\n");
  std::size_t i = 0;
  json_t* one = nullptr;
  json_array_foreach(json_object_get(root, "warnings"), i, one) if (json_is_string(one))
      out.append(paint("warning: ", Hue::warning, look))
          .append(json_string_value(one))
          .append("\n");
  return out.append(restart_line(root, look));
}

}  // namespace

std::string render_reload(const json_t* root, const Look& look) {
  return report(root, "the configuration was loaded again", " from ", look);
}

std::string render_check(const json_t* root, const Look& look) {
  return report(root, "the configuration is valid", ": ", look);
}

std::string render_config(const json_t* root, const Look& look) {
  Table table({{"SETTING", {.shrink = 24}}, {"VALUE", {.shrink = 16}}, {"FROM", {.shrink = 16}}});
  std::size_t i = 0;
  json_t* one = nullptr;
  json_array_foreach(json_object_get(root, "settings"), i, one) {
    table.add({std::string(text_of(one, "name")), std::string(text_of(one, "value")),
               std::string(text_of(one, "place"))});
  }
  return table.empty() ? "nothing is set; everything has its default\n" : table.render(look.width);
}

std::string render_diff(const json_t* root, const Look& look) {
  std::string out;
  std::size_t i = 0;
  json_t* one = nullptr;
  json_array_foreach(json_object_get(root, "changes"), i, one) {
    const std::string name(text_of(one, "name"));
    if (json_object_get(one, "before") != nullptr)
      out.append(paint("- " + name + " = " + std::string(text_of(one, "before")), Hue::bad, look))
          .append("\n");
    if (json_object_get(one, "after") != nullptr)
      out.append(paint("+ " + name + " = " + std::string(text_of(one, "after")), Hue::good, look))
          .append("\n");
  }
  if (out.empty()) return "a reload would change nothing\n";
  return out.append(restart_line(root, look));
}

}  // namespace clasp::ctl
