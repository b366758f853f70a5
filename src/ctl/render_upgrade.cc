// See render_upgrade.h.
#include "ctl/render_upgrade.h"

#include "ctl/json.h"

namespace clasp::ctl {

namespace {

std::string process_text(const json_t* one) {
  return "version " + std::string(text_of(one, "version")) + ", process " +
         std::to_string(json_integer_value(json_object_get(one, "pid")));
}

}  // namespace

std::string render_upgrade(const json_t* root, const Look&) {
  std::string out = "upgraded: from " + process_text(json_object_get(root, "old")) +
                    "\n          to " + process_text(json_object_get(root, "new")) + "\n" +
                    "The old process ends with its last request.\n";
  if (const std::string_view note = text_of(root, "note"); !note.empty())
    out.append(note).append("\n");
  return out;
}

}  // namespace clasp::ctl
