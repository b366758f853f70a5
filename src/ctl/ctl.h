// The program claspctl without its edges: words in, text and an exit status out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config/load.h"
#include "control/commands.h"

namespace clasp::ctl {

inline constexpr int kExitSuccess = 0;
inline constexpr int kExitFailure = 1;  // it could not be done
inline constexpr int kExitUsage = 2;    // the command line is wrong
inline constexpr int kExitNotRunning = 3;
inline constexpr int kExitTimeout = 4;  // no answer in time, or the daemon is another version

// An answer of the control API.
struct Told {
  int status = 0;
  std::string body;
};

struct LinkError {
  enum class Kind { refused, not_running, timeout };
  Kind kind = Kind::refused;
  std::string message;
};

// How text is shown.
struct Look {
  bool colour = false;
  std::size_t width = 0;  // of the terminal; 0: there is none, and nothing is cut
};

struct Options {
  bool json = false;
  std::string socket;  // --socket; empty: the usual place
  long seconds = 30;   // --timeout
};

class TopApp;

struct Answer {
  int exit_code = kExitSuccess;
  std::string out, err;  // with newlines at their ends, or empty
};

// What commands need from outside.
struct World {
  std::function<Result<std::string>()> read_input;  // all of standard input, at most a megabyte
  std::function<Result<std::string>(std::size_t count)> random_bytes;  // fit for keys
  // Asks the daemon, as the options say where.
  std::function<Result<Told, LinkError>(const Options&, const std::string& method,
                                        const std::string& target)>
      ask_daemon;
  Look look = {};
  std::function<std::string(const char* name)> variable = {};  // of the environment, else empty
  // The daemon's settings as it would have them if it was started like this program.
  std::function<Result<config::Loaded, config::LoadError>()> load_configuration = {};
  // Why nothing could listen there; empty: it could.
  std::function<std::string(const std::string& address, std::uint16_t port)> why_not_listen = {};
  // Which socket unit of systemd listens there; empty: none does.
  std::function<std::string(const std::string& address, std::uint16_t port)> socket_unit_at = {};
  std::function<bool()> clock_is_synchronised = {};
  std::function<std::string()> working_folder = {};  // empty: nobody knows
  // Becomes that program, with these variables set. Returns only to say why it could not.
  std::function<std::string(const std::string& program, const std::vector<std::string>& arguments,
                            const std::vector<std::pair<std::string, std::string>>& environment)>
      run_program = {};
  // The same for an answer in lines, which are given away as they come; an error is told whole.
  std::function<Result<Told, LinkError>(const Options&, const std::string& method,
                                        const std::string& target,
                                        const std::function<bool(std::string_view line)>& on_line)>
      follow_daemon = {};
  std::function<bool(const std::string&)> print = {};  // at once, to standard output
  std::function<void(int milliseconds)> pause = {};
  // Shows the picture on the whole terminal until it is over. Nothing where output goes elsewhere.
  std::function<Answer(const Options&, TopApp&)> show_screen = {};
};

struct Call {
  const control::Command* command = nullptr;
  std::vector<std::string> arguments;
  bool json = false;
  Options options = {};
  std::vector<std::pair<std::string, std::string>> own = {};  // options of the command, as given
};

// `args` without the program's name.
Answer run(const std::vector<std::string>& args, const World& world);

}  // namespace clasp::ctl
