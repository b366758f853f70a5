// The emitted texts: they can be read back, and they leave nothing out.
#include "config/emit.h"

#include <doctest/doctest.h>

#include "base/text.h"
#include "support.h"

using namespace clasp::config;
using namespace clasp::config::test;

namespace {

const Environment kKeyed = {{"OPENAI_API_KEY", "k"}};

// The sample with those commented options active that `wanted` accepts.
template <class Wanted>
std::string uncomment(Wanted wanted) {
  std::string out;
  std::string section;
  const std::string sample = emit_sample();
  for (std::string_view line : clasp::split(sample, '\n')) {
    if (!line.empty() && line[0] == '[') section = line.substr(1, line.size() - 2);
    if (line.substr(0, 2) == "#[") {  // a section that needs a name of its own
      section = line.substr(2, line.find(' ') - 2);
      for (const Option& option : options())
        if (option.section == section && wanted(section, option.key)) {
          line.remove_prefix(1);
          break;
        }
    }
    const bool option = line.size() > 1 && line[0] == '#' && line[1] != ' ' && line[1] != '[';
    if (option && wanted(section, line.substr(1, line.find(" = ") - 1))) line.remove_prefix(1);
    out.append(line).append("\n");
  }
  return out;
}

}  // namespace

TEST_CASE("the sample file loads as it is, and changes nothing") {
  const auto loaded = load_from({}, kKeyed, {{"clasp.conf", emit_sample()}});
  REQUIRE_MESSAGE(loaded, complaint(loaded));
  CHECK(loaded->warnings.empty());
  const auto bare = load_from({}, kKeyed);
  CHECK(loaded->settings.listeners == bare->settings.listeners);
  CHECK(loaded->settings.backends.size() == bare->settings.backends.size());
}

TEST_CASE("every option of the sample that works can be uncommented") {
  int count = 0;
  std::string text = uncomment([&](const std::string& section, std::string_view key) {
    const Option* option = find_key(section, key).option;
    REQUIRE_MESSAGE(option != nullptr, std::string(key));
    if (option->status != Status::available || key == "api_key" || key == "candidates" ||
        key == "group")
      return false;
    // Clients are listed below, and none are refused then.
    if (section == "auth" && key == "enabled") return false;
    ++count;
    return true;
  });
  CHECK(count > 60);
  const auto fill_in = [&text](const std::string& placeholder, const std::string& value) {
    const auto at = text.find(placeholder);
    REQUIRE(at != std::string::npos);
    text.replace(at, placeholder.size(), value);
  };
  fill_in("= sha256:HASH", "= sha256:" + std::string(64, 'a'));
  fill_in("\nkey = KEY", "\nkey = clasp-one-0123456789");
  fill_in("expires = DATE", "expires = 2099-12-31");
  const auto loaded = load_from({}, {},
                                {{"clasp.conf", text},
                                 {"/etc/clasp/api_key_file", "clasp-two-0123456789"},
                                 {"/etc/clasp/key_file", "clasp-three-0123456789"},
                                 {"/etc/clasp/keys_file", "team:sha256:" + std::string(64, 'b')}});
  REQUIRE_MESSAGE(loaded, complaint(loaded));
  // Tiers and fallbacks that are described and not switched on.
  for (const std::string& warning : loaded->warnings)
    CHECK_MESSAGE(has(warning, "no effect without"), warning);
  CHECK(loaded->settings.backends.front().base_url == "https://api.example.com/v1");
  CHECK(loaded->settings.models.aliases.at("fast") == "MODEL");
}

TEST_CASE("the help names every flag and its variable, within 100 columns") {
  const std::string help = emit_help();
  for (const Option& option : options()) {
    if (option.flag.empty() || option.hidden) continue;
    CHECK_MESSAGE(has(help, "  -" + option.flag), option.flag);
    for (std::string_view variable : clasp::split(option.env, ' '))
      CHECK_MESSAGE(has(help, variable), option.flag);
  }
  for (std::string_view line : clasp::split(help, '\n')) CHECK(line.size() <= 100);
  CHECK(!has(help, "-emit"));
}

TEST_CASE("the manual's environment part names every variable") {
  const std::string text = emit_man_environment();
  for (const Option& option : options())
    for (std::string_view variable : clasp::split(option.env, ' '))
      if (!variable.empty()) CHECK(has(text, ".It Ev " + show_variable(variable) + "\n"));
}

TEST_CASE("completions name every flag") {
  const std::string bash = emit_bash(), zsh = emit_zsh();
  for (const Option& option : options()) {
    if (option.flag.empty() || option.hidden) continue;
    CHECK(has(bash, " -" + option.flag));
    CHECK(has(zsh, "-" + option.flag + "["));
  }
}

TEST_CASE("emit knows its kinds") {
  for (std::string_view kind : clasp::split(find_flag("emit")->domain.choices, '|'))
    CHECK(!emit(kind).empty());
  CHECK(emit("nothing").empty());
}
