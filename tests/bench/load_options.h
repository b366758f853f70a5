// What the load generator was asked to do, and what a good reply looks like.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "reply.h"

namespace clasp::bench {

struct LoadOptions {
  std::string mode;  // closed, rate, hold or start
  std::uint16_t port = 0;
  // Complete bytes of a request; more than one: by turns. Never empty.
  std::vector<std::string> bytes;
  std::size_t connections = 1;
  std::size_t requests = 1;
  double rate = 0;      // requests per second of mode rate
  double limit_s = 60;  // the run fails when it takes longer
  std::string marker;   // a reply's end must contain it; a held stream's beginning
  std::uint64_t min_bytes = 1;
  std::vector<char*> command;  // of mode start, null-terminated
};

// Ends the program with the usage text when something does not fit.
LoadOptions parse_load_options(int argc, char** argv);

// Why a complete reply is not what was expected, empty when it is fine.
std::string fault_of(const ReplyReader& reply, const LoadOptions& options);

// Text as a JSON string, anything odd in it replaced.
std::string json_string(std::string_view text);

int run_hold(const LoadOptions& options);   // opens streams and keeps them until stdin ends
int run_start(const LoadOptions& options);  // from exec to the first good reply

}  // namespace clasp::bench
