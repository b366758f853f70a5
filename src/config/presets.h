// The providers CLASP knows: one row each, with the address, the way to sign in, the dialect and
// the variables that hold key and address. Nothing else in the program compares provider names.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "config/settings.h"

namespace clasp::config {

// What makes a provider eligible when none is named.
enum class Detect { never, key, url, key_and_url };

struct Preset {
  std::string_view name;
  std::string_view aliases;   // other names, separated by blanks
  std::string_view base_url;  // the default, empty: must be configured
  std::string_view url_env;   // variables, separated by blanks, the first one is shown to people
  std::string_view key_env;
  AuthKind auth;
  std::string_view dialect;
  bool needs_key;
  Detect detect;
  std::string_view label;  // for people
};

// Whether a preset can be used with what is known of it, when nobody names it.
bool is_detected(const Preset& preset, bool has_key, bool has_url);

// In the order in which an unnamed provider is looked for.
std::span<const Preset> presets();
// By name or alias, nullptr when unknown.
const Preset* find_preset(std::string_view name);
// "openai, azure, …": the names that can be used, for messages and help.
std::string preset_names();
// The first word of a blank-separated list.
std::string_view first_word(std::string_view words);

}  // namespace clasp::config
