// See json.h.
#include "ctl/json.h"

namespace clasp::ctl {

namespace {

// Each control character but the end of a line becomes a question mark, those of U+0080 to U+009F
// too. The text is valid UTF-8.
std::string tame(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const auto next = static_cast<unsigned char>(i + 1 < text.size() ? text[i + 1] : 0);
    if (c == 0xc2 && next < 0xa0) ++i;
    const bool bad = (c < 0x20 && c != '\n') || c == 0x7f || (c == 0xc2 && next < 0xa0);
    out.push_back(bad ? '?' : text[i]);
  }
  return out;
}

// As deep as jansson lets a tree be.
void tame_all(json_t* value) {
  if (json_is_string(value)) {
    const std::string text = tame({json_string_value(value), json_string_length(value)});
    json_string_setn(value, text.data(), text.size());
  }
  std::size_t i = 0;
  const char* name = nullptr;
  json_t* one = nullptr;
  json_array_foreach(value, i, one) tame_all(one);
  json_object_foreach(value, name, one) tame_all(one);
}

}  // namespace

JsonPtr parse_json(std::string_view text) {
  json_error_t problem{};
  JsonPtr root(json_loadb(text.data(), text.size(), JSON_ALLOW_NUL, &problem));
  if (!json_is_object(root.get())) return nullptr;
  tame_all(root.get());
  return root;
}

std::string join(const json_t* list) {
  std::string out;
  std::size_t i = 0;
  json_t* one = nullptr;
  json_array_foreach(list, i, one) if (json_is_string(one)) out.append(out.empty() ? "" : ", ")
      .append(json_string_value(one));
  return out;
}

}  // namespace clasp::ctl
