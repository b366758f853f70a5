// Children that a worker starts: limits, ends, and that none is left behind.
#include "daemon/child_process.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "backend_harness.h"

using namespace clasp;
using namespace clasp::daemon;

namespace {

struct Ear final : ChildProcess::Owner {
  void on_child_output(std::string_view bytes) override {
    text.append(bytes);
    if (kill_at != 0 && text.size() >= kill_at) child->kill();
  }
  void on_child_end(const ChildEnd& e) override {
    end = e;
    over = true;
    child.reset();  // allowed inside
  }
  std::unique_ptr<ChildProcess> child;
  std::string text;
  ChildEnd end;
  std::size_t kill_at = 0;
  bool over = false;
};

ChildCommand shell(const std::string& script) {
  return {.program = "/bin/sh", .arguments = {"-c", script}};
}

Ear run(test::Loop& loop, const ChildCommand& command, std::string_view input = {}) {
  Ear ear;
  auto child = ChildProcess::start(loop.base.get(), command, input, ear);
  REQUIRE(child);
  ear.child = std::move(*child);
  CHECK(loop.run_until([&] { return ear.over; }));
  return ear;
}

bool has_children() {
  return waitpid(-1, nullptr, WNOHANG) != -1 || errno != ECHILD;
}

}  // namespace

TEST_CASE("child: reads its input, writes its output, says how it ended") {
  test::Loop loop;
  const std::string large(3 << 20, 'x');
  const Ear copy = run(loop, {.program = "/bin/cat", .arguments = {}}, large);
  CHECK(copy.text == large);
  CHECK(copy.end.known);
  CHECK(copy.end.exit_code == 0);
  CHECK(run(loop, shell("exit 3")).end.exit_code == 3);
  CHECK(run(loop, shell("kill -9 $$")).end.exit_code == -1);
  CHECK(run(loop, {.program = "/nowhere/at/all", .arguments = {}}).end.exit_code == 127);
  CHECK(!has_children());
}

TEST_CASE("child: no environment, no other descriptor, its own limits") {
  setenv("CLASP_TEST_SECRET", "value", 1);
  test::Loop loop;
  // A builtin only: RLIMIT_NPROC keeps the shell from starting programs unless it is root's.
  const Ear ear = run(loop, shell("echo \"[$CLASP_TEST_SECRET][$HOME]\"; ulimit -t; ulimit -c; "
                                  "ulimit -f; ulimit -n; ulimit -v; pwd; echo /proc/self/fd/*"));
  CHECK(ear.text.starts_with("[][]\n10\n0\n0\n16\n524288\n/\n"));
  CHECK(ear.text.find("/fd/4") == std::string::npos);  // 3 is the open folder itself
  unsetenv("CLASP_TEST_SECRET");
}

TEST_CASE("child: processor time is limited") {
  test::Loop loop;
  ChildCommand command = shell("while :; do :; done");
  command.cpu_seconds = 1;
  Ear ear;
  auto child = ChildProcess::start(loop.base.get(), command, {}, ear);
  REQUIRE(child);
  ear.child = std::move(*child);
  CHECK(loop.run_until([&] { return ear.over; }, 120'000));
  CHECK(ear.end.exit_code == -1);
}

TEST_CASE("child: killed when it says too much, and collected") {
  test::Loop loop;
  Ear ear;
  ear.kill_at = 100'000;
  auto child =
      ChildProcess::start(loop.base.get(), shell("while :; do echo xxxxxxxxxxxxxx; done"), {}, ear);
  REQUIRE(child);
  ear.child = std::move(*child);
  CHECK(loop.run_until([&] { return ear.over; }));
  CHECK(ear.end.exit_code == -1);
  CHECK(ear.text.size() < 100'000 + 65'536);
  CHECK(!has_children());
}

TEST_CASE("child: destroying it leaves nothing behind") {
  test::Loop loop;
  Ear ear;
  auto child = ChildProcess::start(loop.base.get(), shell("while :; do :; done"), {}, ear);
  REQUIRE(child);
  child->reset();
  CHECK(!has_children());
  CHECK(!ear.over);
}

TEST_CASE("child: with a ruleset it reads the system's files and no others") {
  test::Loop loop;
  const UniqueFd ruleset =
      make_reading_ruleset({"/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache"});
  if (!ruleset) {
    MESSAGE("skipped: this kernel has no Landlock");
    return;
  }
  const auto file =
      std::filesystem::temp_directory_path() / ("clasp-child-" + std::to_string(getpid()));
  std::ofstream(file) << "secret\n";
  ChildCommand command = shell("read x < " + file.string() +
                               " && echo \"$x\"; true > /tmp/clasp-new "
                               "|| echo unwritten; echo done");
  command.ruleset = ruleset.get();
  const Ear ear = run(loop, command);
  std::filesystem::remove(file);
  CHECK(ear.text == "unwritten\ndone\n");
  CHECK(!std::filesystem::exists("/tmp/clasp-new"));
}
