// What the sources said, kept for people. See given.h.
#include <functional>

#include "base/secret.h"
#include "base/text.h"
#include "config/collect.h"

namespace clasp::config {

void Collector::note_given(const Option& option, std::string_view rest, std::string_view text,
                           Source source, const std::string& place) {
  std::string key = option.key;
  if (!rest.empty() && key.ends_with('*')) key.replace(key.size() - 1, 1, rest);
  GivenValue given;
  if (option.section.empty() || key.empty())
    given.name = place.substr(place.rfind(' ') + 1);
  else
    given.name = "[" + (source == Source::file ? heading_ : option.section) + "] " + key;
  given.source = source == Source::file ? "file" : source == Source::flag ? "flag" : "environment";
  given.place = source == Source::file ? place.substr(0, place.find(": ")) : place;
  // Headers, added members and lists of keys hold secrets as often as not.
  given.secret = option.domain.kind == Kind::secret || option.key == "api_keys" ||
                 option.key.starts_with("header.") || option.key.starts_with("body.");
  given.value = given.secret ? "***" : mask_secrets(scrub_utf8(text));
  if (given.secret || given.value != text) given.digest = std::hash<std::string_view>()(text);
  for (GivenValue& earlier : given_values)
    if (earlier.name == given.name &&
        (option.domain.kind != Kind::list || earlier.source != given.source)) {
      earlier = std::move(given);
      return;
    }
  given_values.push_back(std::move(given));
}

}  // namespace clasp::config
