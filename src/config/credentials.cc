// See credentials.h.
#include "config/credentials.h"

#include "base/text.h"

namespace clasp::config {
namespace {

constexpr std::string_view kPrefix = "credential:";

Result<void> find(std::string& path, const std::string& folder) {
  if (!path.starts_with(kPrefix)) return {};
  const std::string name = path.substr(kPrefix.size());
  if (name.empty() || name.find('/') != std::string::npos || name == "." || name == "..")
    return fail(quoted(path) + " names no credential; write credential:NAME");
  if (folder.empty())
    return fail(quoted(path) +
                ": there are no credentials, because CREDENTIALS_DIRECTORY is not set; systemd "
                "sets it for services with LoadCredential=" +
                name + ":FILE");
  path = folder + "/" + name;
  return {};
}

}  // namespace

Result<void> find_credentials(const Option& option, const std::string& folder, Value& value) {
  if (option.domain.kind == Kind::path) return find(value.text, folder);
  // Lists of files are told by what the help calls their items.
  if (option.domain.kind != Kind::list || !option.argument.starts_with("FILE")) return {};
  for (std::string& path : value.list)
    if (auto found = find(path, folder); !found) return found;
  return {};
}

std::vector<std::string> credential_names(std::string_view variable) {
  const std::string small = to_lower(variable), as_is(variable);
  return {small, as_is, "keys_" + small, "keys_" + as_is};
}

}  // namespace clasp::config
