// See key_file.h.
#include "config/key_file.h"

#include "base/text.h"

namespace clasp::config {

std::vector<Secret> read_key_file(Collector& collector, const FileReader& read_file,
                                  const std::string& where, const std::string& path) {
  const std::string prefix = where + " " + path + ": ";
  const auto refuse = [&](const std::string& why) {
    collector.errors.push_back(prefix + why);
    return std::vector<Secret>();
  };
  const auto text = read_file(path);
  if (!text) return refuse(text.error().message);
  if (!*text) return refuse("the file does not exist");
  std::vector<Secret> keys;
  for (const std::string_view line : split(**text, '\n')) {
    if (trim(line).empty()) continue;
    const auto key = parse_value({Kind::secret}, line);
    if (!key) return refuse(key.error().message);
    keys.emplace_back(key->text);
  }
  if (keys.empty()) return refuse("the file is empty");
  constexpr unsigned kOthersRead = 0004;
  if (collector.file_mode && (collector.file_mode(path) & kOthersRead) != 0)
    collector.warnings.push_back(
        prefix + "every user of this machine can read the key in it; use chmod 600");
  return keys;
}

}  // namespace clasp::config
