// Options that are accepted and checked but have no effect: those of the original program that
// something else has replaced.
#include "config/option_rows.h"

// clang-format off
namespace clasp::config {
namespace {

void add_retired(std::vector<Option>& rows) {
  const auto row = [&rows](std::string env, Domain domain, std::string help, std::string instead) {
    rows.push_back({.env = std::move(env), .domain = domain, .help = std::move(help),
                    .status = Status::retired, .instead = std::move(instead)});
  };
  row("CLASP_COMPACTION", kText, "Chaining of requests by their first message.",
      "conversations are never chained, because that mixes those of different users; clients send "
      "their whole history and may compact it themselves");
  row("CLASP_SESSION_TIMEOUT", kText, "Life of such a chain.", "no sessions are kept, nothing expires");
  row("CLASP_PROMPT_CACHE", kText, "Simulated prompt cache.",
      "the token counts of the backend's own prompt cache are passed on instead");
  row("CLASP_PROMPT_CACHE_MAX_SIZE", kText, "Size of the simulated prompt cache.",
      "the token counts of the backend's own prompt cache are passed on instead");
}

}  // namespace

void add_unavailable_rows(std::vector<Option>& rows) {
  add_retired(rows);
}

}  // namespace clasp::config
