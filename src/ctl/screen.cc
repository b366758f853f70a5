// See screen.h. Sequences are those that every terminal of the last decades knows: no terminfo.
#include "ctl/screen.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <memory>

#include "ctl/link.h"

namespace clasp::ctl {

namespace {

// The other screen, no cursor, no wrapped lines; and back.
constexpr char kEnter[] = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J";
constexpr char kLeave[] = "\x1b[?7h\x1b[?25h\x1b[0m\x1b[?1049l";

constexpr int kStops[] = {SIGTERM, SIGHUP, SIGQUIT, SIGSEGV, SIGABRT, SIGBUS, SIGFPE};

// What signal handlers touch; they call only what may be called there.
termios usual_terminal{};
volatile std::sig_atomic_t is_entered = 0;
volatile std::sig_atomic_t was_away = 0;  // everything must be drawn again
int wake_pipe[2] = {-1, -1};

void write_all(const char* text, std::size_t size) {
  while (size > 0) {
    const ssize_t count = write(STDOUT_FILENO, text, size);
    if (count < 0 && errno != EINTR && errno != EAGAIN) return;
    if (count <= 0) continue;
    text += count;
    size -= static_cast<std::size_t>(count);
  }
}

void wake() {
  const char byte = 0;
  [[maybe_unused]] const ssize_t count = write(wake_pipe[1], &byte, 1);
}

void enter() {
  termios keys = usual_terminal;
  // Ctrl-C and Ctrl-Z stay signals.
  keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  keys.c_iflag &= ~static_cast<tcflag_t>(IXON);
  keys.c_cc[VMIN] = 0;
  keys.c_cc[VTIME] = 0;
  tcsetattr(STDIN_FILENO, TCSANOW, &keys);
  write_all(kEnter, sizeof kEnter - 1);
  is_entered = 1;
  was_away = 1;
}

void leave() {
  if (is_entered == 0) return;
  is_entered = 0;
  write_all(kLeave, sizeof kLeave - 1);
  tcsetattr(STDIN_FILENO, TCSANOW, &usual_terminal);
}

void handle(int signal_number, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  sigaction(signal_number, &action, nullptr);
}

// Ends as if nobody had waited for the signal.
void raise_default(int signal_number) {
  handle(signal_number, SIG_DFL);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal_number);
  raise(signal_number);
  sigprocmask(SIG_UNBLOCK, &set, nullptr);
}

extern "C" void on_stop(int signal_number) {
  leave();
  raise_default(signal_number);
}

// As with claspctl tail: whoever watches ends it, and that is no failure.
extern "C" void on_interrupt_screen(int) {
  leave();
  _exit(kExitSuccess);
}

extern "C" void on_suspend(int signal_number) {
  const int kept = errno;
  leave();
  raise_default(signal_number);
  // Here it goes on after fg.
  handle(signal_number, on_suspend);
  enter();
  wake();
  errno = kept;
}

extern "C" void on_change(int signal_number) {
  const int kept = errno;
  if (signal_number == SIGCONT && is_entered != 0) enter();
  wake();
  errno = kept;
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

TopSize terminal_size() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0 || size.ws_row == 0)
    return {};
  return {size.ws_col, size.ws_row};
}

// Draws what changed, in one write.
class Canvas {
 public:
  void draw(std::vector<std::string> lines, TopSize size) {
    if (was_away != 0 || size != size_) {
      was_away = 0;
      drawn_.clear();
      out_.append("\x1b[2J");
    }
    size_ = size;
    lines.resize(size.rows);
    drawn_.resize(size.rows);
    for (std::size_t i = 0; i < size.rows; ++i) {
      if (lines[i] == drawn_[i]) continue;
      out_.append("\x1b[").append(std::to_string(i + 1)).append(";1H");
      out_.append(lines[i]).append("\x1b[K");
    }
    write_all(out_.data(), out_.size());
    out_.clear();
    drawn_ = std::move(lines);
  }

 private:
  TopSize size_{0, 0};
  std::vector<std::string> drawn_;
  std::string out_;
};

// Between two signals and keys.
class Show {
 public:
  Show(const std::string& socket, long seconds, TopApp& app)
      : socket_(socket), seconds_(std::min(seconds, kPatience)), app_(app) {}

  void run() {
    app_.resize(terminal_size());
    while (!app_.over()) {
      if (!asking_ && !app_.paused() && now() >= app_.next_question())
        asking_ = std::make_unique<Asking>(socket_, "GET", "/v1/top", seconds_);
      const TopSize size = terminal_size();
      app_.resize(size);
      canvas_.draw(app_.picture(now()), size);
      if (!wait()) return;
    }
  }

 private:
  // False: the terminal is gone.
  bool wait() {
    // The seconds of a daemon that is away are counted too.
    constexpr double kLongest = 1;
    const double left = app_.paused() ? kLongest : app_.next_question() - now();
    const int milliseconds =
        static_cast<int>(std::ceil(1000 * std::clamp(asking_ ? kLongest : left, 0.0, kLongest)));
    if (asking_) {
      if (asking_->wait({STDIN_FILENO, wake_pipe[0]}, milliseconds)) {
        app_.told(asking_->take(), now());
        asking_.reset();
      }
    } else {
      pollfd fds[] = {{STDIN_FILENO, POLLIN, 0}, {wake_pipe[0], POLLIN, 0}};
      poll(fds, std::size(fds), milliseconds);
    }
    char bytes[256];
    while (read(wake_pipe[0], bytes, sizeof bytes) > 0) {
    }
    return read_keys();
  }

  bool read_keys() {
    pollfd keys{STDIN_FILENO, POLLIN, 0};
    if (poll(&keys, 1, 0) <= 0) return true;
    char bytes[256];
    const ssize_t count = read(STDIN_FILENO, bytes, sizeof bytes);
    if (count > 0) app_.on_keys({bytes, static_cast<std::size_t>(count)}, now());
    // Readable, and there is nothing: nobody will ever type there again.
    return count > 0 || (count < 0 && (errno == EINTR || errno == EAGAIN));
  }

  // Whoever looks at a picture that stands still wants to know soon.
  static constexpr long kPatience = 5;

  const std::string socket_;
  const long seconds_;
  TopApp& app_;
  Canvas canvas_;
  std::unique_ptr<Asking> asking_;
};

}  // namespace

Answer show_screen(const std::string& socket, long seconds, TopApp& app) {
  if (tcgetattr(STDIN_FILENO, &usual_terminal) != 0 ||
      pipe2(wake_pipe, O_CLOEXEC | O_NONBLOCK) != 0)
    return {kExitFailure, "",
            std::string("claspctl: the terminal: ") + std::strerror(errno) + "\n"};
  for (const int signal_number : kStops) handle(signal_number, on_stop);
  handle(SIGINT, on_interrupt_screen);
  handle(SIGTSTP, on_suspend);
  handle(SIGWINCH, on_change);
  handle(SIGCONT, on_change);
  enter();
  Show(socket, seconds, app).run();
  leave();
  return {};
}

}  // namespace clasp::ctl
