// See extra_members.h.
#include "core/translate/extra_members.h"

#include <algorithm>

#include "base/text.h"
#include "core/wire/json_reader.h"

namespace clasp::translate {

namespace {

// Names in a row of members, each beginning with a comma.
std::vector<std::string> names_of(std::string members) {
  std::vector<std::string> names;
  if (members.empty()) return names;
  members.front() = '{';
  members.push_back('}');
  wire::JsonReader reader(members);
  wire::JsonReader::Members each(reader);
  std::string_view name;
  while (each.next(name) && reader.skip()) names.emplace_back(name);
  return names;
}

}  // namespace

void append_extra(std::string& out, const Translation& t, std::string_view earlier,
                  std::size_t from) {
  const bool configured = t.target.extra_body != nullptr && !t.target.extra_body->empty();
  if (!configured && !t.dialect.no_transforms) return;
  std::vector<std::string> names = names_of(std::string(earlier).append(out, from));
  const auto add = [&](const std::string& name, std::string_view json) {
    if (std::find(names.begin(), names.end(), name) != names.end()) return;
    names.push_back(name);
    out.push_back(',');
    append_json_string(out, name);
    out.append(":").append(json);
  };
  if (configured)
    for (const ExtraMember& extra : *t.target.extra_body) add(extra.name, extra.json);
  if (t.dialect.no_transforms) add("transforms", "[]");
}

std::string without_fields(std::string body, const std::vector<std::string>& fields) {
  const auto kept = wire::json_members_without(body, fields);
  return kept ? "{" + *kept + "}" : body;
}

}  // namespace clasp::translate
