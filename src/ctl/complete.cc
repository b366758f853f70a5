// See complete.h.
#include "ctl/complete.h"

#include <algorithm>

#include "base/text.h"
#include "control/commands.h"
#include "control/socket_path.h"
#include "ctl/json.h"

namespace clasp::ctl {

namespace {

constexpr long kPatience = 1;  // seconds; somebody waits at a keyboard

// Where the daemon tells the names of a kind.
struct Source {
  std::string_view kind;
  const char* target;
  const char* list;
  const char* member;
};

constexpr Source kSources[] = {
    {"backend", "/v1/backends", "backends", "name"},
    {"breaker", "/v1/breakers", "breakers", "backend"},
    {"exchange", "/v1/exchanges", "exchanges", "id"},
    {"ticket", "/v1/queue", "tickets", "id"},
    {"client", "/v1/keys", "clients", "name"},
};

bool is_tame(std::string_view text) {
  return !text.empty() && std::none_of(text.begin(), text.end(),
                                       [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

class Completion {
 public:
  Completion(const std::vector<std::string>& words, const World& world) : world_(world) {
    if (!words.empty()) typed_ = words.back();
    const std::size_t count = words.empty() ? 0 : words.size() - 1;
    for (std::size_t i = 0; i < count; ++i) read_word(words, i, count);
    options_.seconds = kPatience;
  }

  std::string answer() {
    if (expects_value_) return "";
    const control::Command* command = control::find_command(words_, used_);
    if (command != nullptr && command->words == "claude") return "";
    if (typed_.starts_with('-') && !behind_options_) {
      add_options(command);
    } else {
      add_command_words();
      if (command != nullptr) add_arguments(*command);
    }
    std::string out;
    for (const std::string& one : found_) out.append(one).append("\n");
    return out;
  }

 private:
  // One before the last.
  void read_word(const std::vector<std::string>& words, std::size_t& i, std::size_t count) {
    const std::string& word = words[i];
    if (behind_options_ || !word.starts_with('-')) {
      words_.push_back(word);
    } else if (word == "--") {
      behind_options_ = true;
    } else if (takes_value(word)) {
      if (i + 1 == count) {
        expects_value_ = true;
      } else {
        ++i;
        choose(word, words[i]);
      }
    } else if (const std::size_t equals = word.find('='); equals != std::string::npos) {
      choose(word.substr(0, equals), word.substr(equals + 1));
    }
  }

  void choose(const std::string& option, const std::string& value) {
    if (option == "--socket") options_.socket = value;
    if (option == "--instance") options_.socket = control::instance_socket_path(value);
  }

  static bool takes_value(std::string_view word) {
    if (word == "--socket" || word == "--instance" || word == "--timeout") return true;
    for (const control::Command& command : control::commands())
      for (const control::OwnOption& option : control::own_options(command))
        if (option.name == word) return !option.value.empty();
    return false;
  }

  void add(std::string text) {
    if (text.starts_with(typed_) && is_tame(text) &&
        std::find(found_.begin(), found_.end(), text) == found_.end())
      found_.push_back(std::move(text));
  }

  void add_options(const control::Command* command) {
    if (command != nullptr)
      for (const control::OwnOption& option : control::own_options(*command))
        add(std::string(option.name));
    if (command == nullptr || command->json) add("--json");
    for (const char* option : {"--socket", "--instance", "--timeout", "--help"}) add(option);
    if (command == nullptr) add("--version");
  }

  // Of those commands that begin as it was typed so far, the next word.
  void add_command_words() {
    for (const control::Command& command : control::commands()) {
      const auto parts = split(command.words, ' ');
      if (parts.size() <= words_.size()) continue;
      if (std::equal(words_.begin(), words_.end(), parts.begin()))
        add(std::string(parts[words_.size()]));
    }
  }

  void add_arguments(const control::Command& command) {
    // A level may stand behind "log-level" as behind "log-level set".
    if (command.words == "log-level" && words_.size() == 1) add_names("level", "");
    const auto names = split(command.arguments, ' '), kinds = split(command.takes, ' ');
    const std::size_t place = words_.size() - used_;
    for (std::size_t i = 0; i < names.size() && i < kinds.size(); ++i) {
      const std::size_t equals = names[i].find('=');
      if (equals != std::string_view::npos)
        add_named(names[i].substr(1, equals), names[i].substr(equals + 1), kinds[i]);
      else if (i == place)
        add_names(kinds[i], "");
    }
  }

  // `start`: "client=", `value`: "NAME]" or one that can be written as it is: "1]".
  void add_named(std::string_view start, std::string_view value, std::string_view kind) {
    for (const std::string& word : words_)
      if (word.starts_with(start)) return;
    value.remove_suffix(1);
    if (value.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ") != std::string_view::npos)
      add(std::string(start) + std::string(value));
    else if (typed_.starts_with(start))
      add_names(kind, start);
    else
      add(std::string(start));
  }

  void add_names(std::string_view kind, std::string_view start) {
    if (kind == "level")
      for (const char* level : {"debug", "info", "warn", "error"}) add(level);
    if (kind == "mode")
      for (const char* mode : {"plain", "stream"}) add(std::string(start) + mode);
    for (const Source& source : kSources) {
      if (source.kind != kind) continue;
      const auto told = world_.ask_daemon(options_, "GET", source.target);
      if (!told || told->status != 200) return;
      const JsonPtr root = parse_json(told->body);
      std::size_t i = 0;
      json_t* one = nullptr;
      json_array_foreach(json_object_get(root.get(), source.list), i, one)
          add(std::string(start).append(text_of(one, source.member)));
    }
  }

  const World& world_;
  Options options_;
  std::vector<std::string> words_;  // commands and arguments before the typed one
  std::string typed_;
  std::size_t used_ = 0;
  bool behind_options_ = false, expects_value_ = false;
  std::vector<std::string> found_;
};

}  // namespace

std::string complete(const std::vector<std::string>& words, const World& world) {
  return Completion(words, world).answer();
}

}  // namespace clasp::ctl
