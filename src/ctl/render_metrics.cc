// See render_metrics.h. Whatever the daemon counts is shown, also what this version does not know.
#include "ctl/render_metrics.h"

#include <algorithm>
#include <vector>

#include "ctl/table.h"

namespace clasp::ctl {

namespace {

constexpr std::size_t kNameWidth = 24;

std::string value_text(const json_t* value) {
  if (json_is_string(value)) return harmless({json_string_value(value), json_string_length(value)});
  const std::unique_ptr<char, void (*)(void*)> text(
      json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6)), free);
  return text ? harmless(text.get()) : std::string();
}

// "avg_latency_ms" -> "avg latency ms"
std::string words(const char* name) {
  std::string out = harmless(name);
  std::replace(out.begin(), out.end(), '_', ' ');
  return out;
}

std::string line(const char* name, const json_t* value, std::string_view indent) {
  std::string out(indent);
  const std::string shown = words(name);
  out.append(shown);
  out.append(kNameWidth - std::min(kNameWidth - 1, indent.size() + shown.size()), ' ');
  return out.append(value_text(value)).append("\n");
}

}  // namespace

std::string render_metrics(const json_t* root, const Look&) {
  std::string out, sections;
  const char* name = nullptr;
  json_t* value = nullptr;
  json_object_foreach(const_cast<json_t*>(root), name, value) {
    if (!json_is_object(value)) {
      out += line(name, value, "");
      continue;
    }
    sections.append("\n").append(words(name)).append("\n");
    const char* member = nullptr;
    json_t* inner = nullptr;
    json_object_foreach(value, member, inner) sections += line(member, inner, "  ");
  }
  return out + sections;
}

}  // namespace clasp::ctl
