// The file in which the ledger survives a restart: read once at the start, written whole by way of
// a second file, so that there is always a complete one. One process at a time may have it.
#pragma once

#include <memory>
#include <string>

#include "base/fd.h"
#include "base/result.h"
#include "core/policy/ledger.h"

namespace clasp::daemon {

class CostsFile {
 public:
  // Fails when another process has the file, when it cannot be read or written, or when a newer
  // version wrote it. A file that cannot be understood is moved aside, to PATH.broken, and told in
  // the log; the ledger begins empty then.
  static Result<std::unique_ptr<CostsFile>> open(const std::string& path);

  const policy::LedgerState& loaded() const { return loaded_; }
  Result<void> write(const policy::LedgerState& state) const;
  const std::string& path() const { return path_; }

 private:
  explicit CostsFile(std::string path) : path_(std::move(path)) {}
  Result<void> lock();
  Result<void> load();
  Result<void> set_aside(const std::string& why);

  std::string path_;
  UniqueFd lock_;
  policy::LedgerState loaded_;
};

// Version 1, whole numbers only. Nothing when the text is something else.
std::string render_ledger(const policy::LedgerState& state);
Result<policy::LedgerState> parse_ledger(const std::string& text);
// One charge as a line, from a process to the one that replaces it.
struct ToldCharge {
  std::string client, model, backend;
  policy::Charge numbers;  // its names are not set
  std::int64_t ended = 0;
  policy::Charge charge() const {
    policy::Charge out = numbers;
    out.client = client;
    out.model = model;
    out.backend = backend;
    return out;
  }
};
std::string render_charge(const policy::Charge& charge, std::int64_t ended);
Result<ToldCharge> parse_charge(std::string_view line);

// Of a text of parse_ledger(), 0 when it has none.
std::int64_t ledger_version(const std::string& text);

// Where it is kept: as configured, else in the first of systemd's state directories
// ($STATE_DIRECTORY), else nowhere.
std::string costs_path(const config::CostSettings& settings, const char* state_directories);

}  // namespace clasp::daemon
