// Puts what flags, environment and file say into one Draft, the stronger source last, and keeps
// the complaints. Reads no environment and no disk by itself.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config/given.h"
#include "config/options.h"
#include "config/parse_file.h"

namespace clasp::config {

enum class Source { none, file, environment, flag };  // the later the stronger

using Environment = std::map<std::string, std::string, std::less<>>;

// One option of the command line, recognised but not yet evaluated.
struct Argument {
  const Option* option = nullptr;
  std::string flag;  // as written, for messages
  std::string value;
};

// Takes the command line apart: -flag value, -flag=value, one or two dashes; a switch needs no
// value. Complaints name the nearest flag.
std::vector<Argument> parse_arguments(const std::vector<std::string>& args,
                                      std::vector<std::string>& errors);

class Collector {
 public:
  Draft draft;
  std::vector<std::string> errors, warnings;
  std::vector<GivenValue> given_values;  // the strongest source's word for each option
  std::function<unsigned(const std::string& path)> file_mode;  // may be missing; see Inputs
  std::string credentials;  // the folder of systemd's credentials, empty: none

  // Call in this order. `file` is the name for messages.
  void add_file(const std::string& file, std::string_view text, const Environment& environment);
  // Keys that systemd hands over under the name of a variable, alone or out of a folder of them; as
  // strong as the variable, which counts where it is set. `read` gives a file's content.
  using ReadFile = std::function<Result<std::optional<std::string>>(const std::string& path)>;
  void add_credentials(const Environment& environment, const ReadFile& read);
  void add_environment(const Environment& environment);
  void add_arguments(const std::vector<Argument>& arguments);
  // Speaks about options that are known but do nothing in this version.
  void report_unavailable();

  // Which source set the option last; only for the nameless backend.
  Source source_of(const Option& option) const;
  std::string place_of(const Option& option) const;

 private:
  struct Given {
    Source source = Source::none;
    std::string place;
    bool differs = false;  // from the default
    Value value;
  };
  void set(const Option& option, std::string_view rest, std::string_view text, Source source,
           const std::string& place);
  void note_given(const Option& option, std::string_view rest, std::string_view text, Source source,
                  const std::string& place);
  void leave_provider(std::string_view next, Source source);
  void begin_section(const FileEntry& entry, const std::string& place);
  void begin_route(const FileEntry& entry, std::string_view pattern, const std::string& place);
  // [client NAME] and [listener NAME], which may each be there once.
  void begin_named(const FileEntry& entry, std::string_view name, const std::string& place);
  void add_entry(const FileEntry& entry, const std::string& file, const Environment& environment);
  void explain_unknown_key(const FileEntry& entry, const std::string& place);
  void warn_near_misses(const Environment& environment);

  std::map<const Option*, Given> given_;
  std::map<std::string, int, std::less<>> lines_;  // "section\nkey" -> its line, against repetition
  std::string heading_;                            // of the file's section, as written
  const Section* section_ = nullptr;               // nullptr: unknown or none yet
};

}  // namespace clasp::config
