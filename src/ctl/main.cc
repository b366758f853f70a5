// The program `claspctl`: gives the command line to run() and prints what comes back.
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "control/socket_path.h"
#include "ctl/ctl.h"
#include "ctl/link.h"
#include "ctl/screen.h"
#include "ctl/system.h"

namespace {

using clasp::ctl::LinkError;

clasp::Result<std::string> read_input() {
  constexpr std::size_t kMost = 1u << 20;
  std::string text(kMost, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), stdin));
  if (std::ferror(stdin) != 0) return clasp::fail("cannot read standard input");
  return text;
}

clasp::Result<std::string> random_bytes(std::size_t count) {
  std::string bytes(count, '\0');
  // Up to 256 bytes come whole once the system has gathered enough.
  if (getrandom(bytes.data(), count, 0) != static_cast<ssize_t>(count))
    return clasp::fail("the system gave no random bytes");
  return bytes;
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

// Where the daemon's control socket is.
clasp::Result<std::string, LinkError> find_socket(const clasp::ctl::Options& options) {
  std::string socket = options.socket.empty() ? variable("CLASP_CONTROL_SOCKET") : options.socket;
  if (socket.empty())
    socket = clasp::control::default_socket_path({geteuid() == 0, "", variable("XDG_RUNTIME_DIR")});
  // Members of the service's group need not say where it is, unless they run a daemon themselves.
  if (access(socket.c_str(), F_OK) != 0 && options.socket.empty() &&
      variable("CLASP_CONTROL_SOCKET").empty() &&
      access(std::string(clasp::control::kServiceSocket).c_str(), F_OK) == 0)
    socket = clasp::control::kServiceSocket;
  if (socket.empty())
    return tl::unexpected(LinkError{LinkError::Kind::not_running,
                                    "no control socket is known here; name it with --socket PATH"});
  return socket;
}

clasp::Result<clasp::ctl::Told, LinkError> ask_daemon(const clasp::ctl::Options& options,
                                                      const std::string& method,
                                                      const std::string& target) {
  const auto socket = find_socket(options);
  if (!socket) return tl::unexpected(socket.error());
  return clasp::ctl::ask_daemon(*socket, method, target, options.seconds);
}

// Whoever watches ends it with Ctrl-C, and that is no failure: each line is out already.
extern "C" void on_interrupt(int) {
  _exit(clasp::ctl::kExitSuccess);
}

clasp::Result<clasp::ctl::Told, LinkError> follow_daemon(
    const clasp::ctl::Options& options, const std::string& method, const std::string& target,
    const std::function<bool(std::string_view)>& on_line) {
  const auto socket = find_socket(options);
  if (!socket) return tl::unexpected(socket.error());
  std::signal(SIGINT, on_interrupt);
  return clasp::ctl::follow_daemon(*socket, method, target, options.seconds, on_line);
}

void wait_between(int milliseconds) {
  std::signal(SIGINT, on_interrupt);
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

clasp::ctl::Answer show_screen(const clasp::ctl::Options& options, clasp::ctl::TopApp& app) {
  const auto socket = find_socket(options);
  if (!socket) return {clasp::ctl::kExitNotRunning, "", socket.error().message};
  return clasp::ctl::show_screen(*socket, options.seconds, app);
}

// Nothing is cut when the output goes elsewhere.
std::size_t terminal_width() {
  winsize size{};
  if (isatty(STDOUT_FILENO) != 1 || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col;
}

clasp::Result<clasp::config::Loaded, clasp::config::LoadError> load_configuration() {
  clasp::config::Inputs inputs;
  inputs.environment = clasp::config::make_environment(environ);
  inputs.read_file = clasp::config::load_file;
  inputs.file_mode = clasp::config::load_file_mode;
  return clasp::config::load(inputs);
}

bool print(std::FILE* to, const std::string& text) {
  return std::fwrite(text.data(), 1, text.size(), to) == text.size() && std::fflush(to) == 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + (argc > 0 ? 1 : 0), argv + argc);
  const bool terminal = isatty(STDOUT_FILENO) == 1 && variable("TERM") != "dumb";
  clasp::ctl::World world;
  world.read_input = read_input;
  world.random_bytes = random_bytes;
  world.ask_daemon = ask_daemon;
  world.look = {terminal && variable("NO_COLOR").empty(), terminal_width()};
  world.variable = variable;
  world.load_configuration = load_configuration;
  world.why_not_listen = clasp::ctl::why_not_listen;
  world.socket_unit_at = clasp::ctl::socket_unit_at;
  world.working_folder = clasp::ctl::working_folder;
  world.clock_is_synchronised = clasp::ctl::clock_is_synchronised;
  world.run_program = clasp::ctl::run_program;
  world.follow_daemon = follow_daemon;
  world.print = [](const std::string& text) { return print(stdout, text); };
  world.pause = wait_between;
  if (terminal && isatty(STDIN_FILENO) == 1) world.show_screen = show_screen;
  const clasp::ctl::Answer answer = clasp::ctl::run(args, world);
  print(stderr, answer.err);
  return print(stdout, answer.out) ? answer.exit_code : clasp::ctl::kExitFailure;
}
