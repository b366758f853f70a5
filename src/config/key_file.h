// Files with keys: one key a line. Read through the function that the caller of load() gave; a
// file that every user of the machine can read is named in a warning.
#pragma once

#include <string>
#include <vector>

#include "base/secret.h"
#include "config/load.h"

namespace clasp::config {

// The keys of the file at `path`, at least one; `where` ("clasp.conf:3: [auth] api_key_file") is
// for messages. Nothing after a mistake, which went to the collector's errors.
std::vector<Secret> read_key_file(Collector& collector, const FileReader& read_file,
                                  const std::string& where, const std::string& path);

}  // namespace clasp::config
