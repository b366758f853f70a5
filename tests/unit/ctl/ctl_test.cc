// claspctl from its words to its output.
#include "ctl/ctl.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "base/sha256.h"
#include "base/text.h"
#include "ctl/emit.h"
#include "ctl/system.h"

using namespace clasp;
using ctl::Answer;

namespace {

Answer call(const std::vector<std::string>& args, const std::string& input = "") {
  ctl::World world;
  world.read_input = [input]() -> Result<std::string> { return input; };
  world.random_bytes = [](std::size_t count) -> Result<std::string> {
    return std::string(count, '\xfb');
  };
  return ctl::run(args, world);
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// With a daemon that gives this answer and keeps what it was asked.
struct FakeDaemon {
  Result<ctl::Told, ctl::LinkError> told;
  std::string asked = {};
  std::string printed = {};
  Result<ctl::Told, ctl::LinkError> then = told;  // to all questions but the first
  int calls = 0;
  Answer call(const std::vector<std::string>& args) {
    ctl::World world;
    world.follow_daemon = [this](const ctl::Options&, const std::string& method,
                                 const std::string& target,
                                 const std::function<bool(std::string_view)>& on_line)
        -> Result<ctl::Told, ctl::LinkError> {
      asked = method + " " + target;
      const auto& answer = calls++ == 0 ? told : then;
      if (answer && answer->status == 200)
        for (const std::string_view line : split(answer->body, '\n')) on_line(line);
      return answer;
    };
    world.print = [this](const std::string& text) {
      printed.append(text);
      return true;
    };
    world.ask_daemon = [this](const ctl::Options& options, const std::string& method,
                              const std::string& target) {
      asked = method + " " + target + " " + options.socket;
      return told;
    };
    return ctl::run(args, world);
  }
};

}  // namespace

TEST_CASE("claspctl key new: the key first, once, and what to write where") {
  const Answer made = call({"key", "new", "ann"});
  CHECK(made.exit_code == 0);
  CHECK(made.err.empty());
  const std::string key = made.out.substr(0, made.out.find('\n'));
  CHECK(key.size() == 6 + 43);
  CHECK(key.starts_with("clasp--_v7-_v7"));
  const std::string hash = "sha256:" + sha256_hex(key);
  CHECK(has(made.out, "\n[client ann]\nkey_hash = " + hash + "\n"));
  CHECK(has(made.out, "\nann:" + hash + "\n"));
  CHECK(call({"key", "new", "ann", "--json"}).out ==
        R"({"name":"ann","key":")" + key + R"(","key_hash":")" + hash + "\"}\n");
}

TEST_CASE("claspctl key hash: of one line of standard input") {
  const std::string hash = "sha256:" + sha256_hex("my-key");
  for (const char* input : {"my-key", "my-key\n", "  my-key \r\n\n"})
    CHECK(call({"key", "hash"}, input).out == hash + "\n");
  CHECK(call({"--json", "key", "hash"}, "my-key").out == "{\"key_hash\":\"" + hash + "\"}\n");
  for (const char* input : {"", "\n", "a\nb\n", "a b"}) {
    const Answer answer = call({"key", "hash"}, input);
    CHECK(answer.exit_code == 1);
    CHECK(answer.out.empty());
    CHECK(answer.err.starts_with("claspctl: "));
  }
}

TEST_CASE("claspctl: what fails is 1, what is written wrongly 2") {
  CHECK(call({"key", "new", "a b"}).exit_code == 1);
  ctl::World poor;
  poor.random_bytes = [](std::size_t) -> Result<std::string> { return fail("no luck"); };
  CHECK(ctl::run({"key", "new", "ann"}, poor).err == "claspctl: no luck\n");
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{},
                                             {"key"},
                                             {"key", "new"},
                                             {"key", "new", "a", "b"},
                                             {"key", "hash", "secret"},
                                             {"kez", "new"},
                                             {"--jsonn"},
                                             {"-x", "key", "hash"},
                                             {"hash", "key"}}) {
    const Answer answer = call(wrong, "x");
    CHECK(answer.exit_code == 2);
    CHECK(answer.out.empty());
    CHECK(has(answer.err, "claspctl --help"));
  }
  CHECK(has(call({"kez", "new"}).err, "did you mean key new?"));
  CHECK(has(call({"key", "new"}).err, "write claspctl key new NAME"));
}

TEST_CASE("claspctl: help, version and manual name every command") {
  const std::string help = call({"--help"}).out;
  CHECK(call({"-h"}).out == help);
  CHECK(call({"--version"}).out.starts_with("claspctl "));
  for (const control::Command& command : control::commands()) {
    CHECK(has(help, command.words));
    CHECK(has(ctl::emit("man-commands"), ".It Cm " + std::string(command.words)));
    std::size_t used = 0;
    const auto words = split(command.words, ' ');
    const std::vector<std::string> asked(words.begin(), words.end());
    CHECK(control::find_command(asked, used) == &command);
    CHECK(used == words.size());
    // Whatever is in the table is carried out somewhere.
    const std::vector<std::string> none(command.fewest, "x");
    std::vector<std::string> whole = asked;
    whole.insert(whole.end(), none.begin(), none.end());
    if (command.is_local() && command.words != "doctor" && command.words != "claude")
      CHECK_FALSE(has(call(whole, "x").err, "not there yet"));
  }
}

TEST_CASE("claspctl: -- ends the options; what is unknown is a mistake, also to emit") {
  FakeDaemon daemon{ctl::Told{200, R"({"name":"--odd"})"}};
  CHECK(daemon.call({"--json", "backends", "show", "--", "--odd"}).exit_code == 0);
  CHECK(daemon.asked == "GET /v1/backends/--odd ");
  CHECK(daemon.call({"--", "backends", "show", "--json"}).exit_code == 0);
  CHECK(daemon.asked == "GET /v1/backends/--json ");
  CHECK(daemon.call({"--"}).exit_code == 2);
  for (const std::vector<std::string>& wrong :
       std::vector<std::vector<std::string>>{{"--emit", "nothing"}, {"--emit="}, {"--emit"}}) {
    const Answer answer = call(wrong);
    CHECK(answer.exit_code == 2);
    CHECK(answer.out.empty());
  }
  CHECK(call({"--emit=zsh"}).out.starts_with("#compdef claspctl\n"));
  CHECK(has(daemon.call({"status", "--count", "3"}).err, "claspctl status has no --count"));
  CHECK(has(daemon.call({"top", "--count"}).err, "--count needs a value"));
}

TEST_CASE("claspctl top without a terminal: as many pictures or objects as asked for") {
  FakeDaemon daemon{ctl::Told{200, R"({"version":"1","uptime_ms":5})"}};
  CHECK(daemon.call({"top", "--json", "--count=2", "--interval", "0.5"}).exit_code == 0);
  CHECK(std::count(daemon.printed.begin(), daemon.printed.end(), '\n') == 2);
  daemon.printed.clear();
  CHECK(daemon.call({"top"}).exit_code == 0);
  CHECK(daemon.printed.starts_with("clasp 1  up 0s"));
  for (const char* wrong : {"--interval=0", "--interval=", "--interval=2x", "--interval=nan",
                            "--interval=4000", "--count=0", "--count=-1", "--count=x"})
    CHECK_MESSAGE(daemon.call({"top", wrong}).exit_code == 2, wrong);
  daemon.told = tl::unexpected(ctl::LinkError{ctl::LinkError::Kind::not_running, "none"});
  CHECK(daemon.call({"top"}).exit_code == 3);
}

TEST_CASE("claspctl: a command becomes a request, its answer text or JSON") {
  FakeDaemon daemon{ctl::Told{200, "{\"level\":\"warn\"}\n"}};
  CHECK(daemon.call({"log-level"}).out == "warn\n");
  CHECK(daemon.asked == "GET /v1/log-level ");
  CHECK(daemon.call({"log-level", "warn", "--socket", "/x/y"}).out == "warn\n");
  CHECK(daemon.asked == "PUT /v1/log-level/warn /x/y");
  daemon.call({"log-level", "--instance", "team"});
  CHECK(daemon.asked == "GET /v1/log-level /run/clasp/team/control.sock");
  CHECK(daemon.call({"log-level", "--instance=../x"}).exit_code == 2);
  CHECK(daemon.call({"log-level", "--json"}).out == "{\"level\":\"warn\"}\n");
  CHECK(daemon.call({"log-level", "a", "b"}).exit_code == 2);
  FakeDaemon cache{ctl::Told{200, R"({"flushed":3})"}};
  CHECK(cache.call({"cache", "flush", "gpt-*"}).out == "3 answers forgotten\n");
  CHECK(cache.asked == "POST /v1/cache/flush?pattern=gpt-%2A ");
}

TEST_CASE("claspctl doctor: findings with their remedies, 1 when something is wrong") {
  const std::string version = CLASP_VERSION;
  FakeDaemon healthy{
      ctl::Told{200, "{\"version\":\"" + version + "\",\"state\":\"healthy\",\"backends\":[]}"}};
  CHECK(healthy.call({"doctor"}).exit_code == 0);
  FakeDaemon down{ctl::Told{
      200,
      R"({"version":"0","state":"degraded","backends":[{"name":"a","state":"down","admin":"enabled","last_error":"connect"},{"name":"b","admin":"disabled"}]})"}};
  const Answer answer = down.call({"doctor"});
  CHECK(answer.exit_code == 1);
  CHECK(has(answer.out,
            "backend a is down, its last failure was connect\n         -> is its base_url"));
  CHECK(has(answer.out, "claspctl backends enable b"));
  CHECK(has(answer.out, "restart the daemon"));
  CHECK(has(down.call({"doctor", "--json"}).out, R"("verdict":"problem")"));
}

TEST_CASE("claspctl doctor without a daemon: the configuration and the ports") {
  ctl::World world;
  world.ask_daemon = [](const ctl::Options&, const std::string&,
                        const std::string&) -> Result<ctl::Told, ctl::LinkError> {
    return tl::unexpected(ctl::LinkError{ctl::LinkError::Kind::not_running, "none"});
  };
  world.load_configuration = [] {
    config::Loaded loaded;
    loaded.settings.listeners.emplace_back();
    return Result<config::Loaded, config::LoadError>(std::move(loaded));
  };
  world.why_not_listen = [](const std::string&, std::uint16_t) -> std::string { return "in use"; };
  world.clock_is_synchronised = [] { return false; };
  const Answer answer = ctl::run({"doctor"}, world);
  CHECK(answer.exit_code == 1);
  CHECK(has(answer.out, "127.0.0.1:8080: in use"));
  CHECK(has(answer.out, "ss -ltnp sport = :8080"));
  CHECK(has(answer.out, "timedatectl"));

  // The port of the socket unit that starts the daemon is taken as it should be.
  std::string unit = "clasp.socket";
  world.socket_unit_at = [&unit](const std::string&, std::uint16_t) { return unit; };
  world.clock_is_synchronised = [] { return true; };
  const Answer activated = ctl::run({"doctor"}, world);
  CHECK(activated.exit_code == 0);
  CHECK(has(activated.out,
            "ok       127.0.0.1:8080: systemd listens there for clasp (clasp.socket)"));
  CHECK_FALSE(has(activated.out, "another program"));
  unit = "cups.socket";
  const Answer foreign = ctl::run({"doctor"}, world);
  CHECK(foreign.exit_code == 1);
  CHECK(
      has(foreign.out, "another program (cups.socket)\n         -> systemctl disable --now cups"));

  // Credentials of a service are hidden from a shell: no mistake of the configuration.
  world.clock_is_synchronised = [] { return true; };
  world.load_configuration = []() -> Result<config::Loaded, config::LoadError> {
    return tl::unexpected(config::LoadError{
        78, "clasp.conf:1: there are no credentials, because CREDENTIALS_DIRECTORY is not set"});
  };
  const Answer hidden = ctl::run({"doctor"}, world);
  CHECK(hidden.exit_code == 0);
  CHECK(has(hidden.out, "then claspctl config check"));
}

TEST_CASE("what systemctl says of sockets: the unit that listens at a place") {
  const std::string list =
      "/run/clasp/control.sock clasp-control.socket clasp.service\n"
      "127.0.0.1:8080 clasp.socket clasp.service\n"
      "[::1]:8080     clasp.socket clasp.service\n"
      "[::]:631 cups.socket cups.service\n\nnonsense\n:\n";
  CHECK(ctl::find_socket_unit(list, "127.0.0.1", 8080) == "clasp.socket");
  CHECK(ctl::find_socket_unit(list, "::1", 8080) == "clasp.socket");
  CHECK(ctl::find_socket_unit(list, "0.0.0.0", 8080) == "clasp.socket");
  CHECK(ctl::find_socket_unit(list, "127.0.0.1", 631) == "cups.socket");
  CHECK(ctl::find_socket_unit(list, "127.0.0.2", 8080).empty());
  CHECK(ctl::find_socket_unit(list, "127.0.0.1", 80).empty());
  CHECK(ctl::find_socket_unit("", "127.0.0.1", 8080).empty());
}

TEST_CASE(
    "claspctl doctor: control that is off says so itself, and is no program of another kind") {
  FakeDaemon off{ctl::Told{403, R"({"error":{"code":"control_off","message":"it is off"}})"}};
  const Answer answer = off.call({"doctor"});
  CHECK(answer.exit_code == 0);
  CHECK(has(answer.out, "warning  it is off\n"));
  CHECK_FALSE(has(answer.out, "is it clasp"));
  CHECK(off.call({"reload"}).exit_code == 1);
  CHECK(off.call({"reload"}).err == "claspctl: it is off\n");
}

TEST_CASE("claspctl claude: the environment, and everything behind it untouched") {
  ctl::World world;
  std::vector<std::string> arguments;
  std::vector<std::pair<std::string, std::string>> environment;
  std::string key;
  world.ask_daemon = [](const ctl::Options& options, const std::string&,
                        const std::string&) -> Result<ctl::Told, ctl::LinkError> {
    CHECK(options.socket == "/s");
    return ctl::Told{200,
                     R"x({"listeners":["unix:/run/x","0.0.0.0:8443 (https)","0.0.0.0:8080"]})x"};
  };
  world.variable = [&](const char* name) {
    return std::string_view(name) == "CLASP_AUTH_API_KEY" ? key : std::string();
  };
  world.run_program = [&](const std::string& program, const std::vector<std::string>& words,
                          const std::vector<std::pair<std::string, std::string>>& set) {
    CHECK(program == "claude");
    arguments = words;
    environment = set;
    return std::string("gone");
  };
  const Answer answer = ctl::run({"--socket", "/s", "claude", "--json", "-p", "hello"}, world);
  CHECK(answer.err == "claspctl: gone\n");
  CHECK(arguments == std::vector<std::string>{"--json", "-p", "hello"});
  CHECK(environment[0].second == "http://127.0.0.1:8080");
  CHECK(environment[1] == std::pair<std::string, std::string>{"ANTHROPIC_API_KEY", "clasp"});
  key = "mine";
  ctl::run({"--socket=/s", "claude", "--", "--version"}, world);
  CHECK(arguments == std::vector<std::string>{"--version"});
  CHECK(environment[1].second == "mine");
}

TEST_CASE("claspctl: exit codes of what the daemon says, and of its silence") {
  FakeDaemon refusing{
      ctl::Told{403, R"({"error":{"code":"not_permitted","message":"only root"}})"}};
  const Answer refused = refusing.call({"reload"});
  CHECK(refused.exit_code == 1);
  CHECK(refused.err == "claspctl: only root\n");
  FakeDaemon older{ctl::Told{
      404, R"({"error":{"code":"unknown_path","message":"there is no such request; GET"}})"}};
  CHECK(older.call({"reload"}).exit_code == 4);
  using Kind = ctl::LinkError::Kind;
  FakeDaemon away{tl::unexpected(ctl::LinkError{Kind::not_running, "no daemon listens"})};
  CHECK(away.call({"status"}).exit_code == 3);
  FakeDaemon slow{tl::unexpected(ctl::LinkError{Kind::timeout, "no answer"})};
  CHECK(slow.call({"status"}).exit_code == 4);
  CHECK(slow.call({"status", "--timeout", "0"}).exit_code == 2);
  CHECK(slow.call({"status", "--socket"}).exit_code == 2);
  CHECK(slow.call({"status", "--instance"}).exit_code == 2);
}

TEST_CASE("claspctl: lines are shown as they come; names from outside give a terminal no orders") {
  FakeDaemon daemon{ctl::Told{
      200,
      R"({"time":0,"status":200,"outcome":"completed","client":"1.2.3.4:5","model":"a\u001b[31mb\u009bc",)"
      R"("total_ms":1500,"input_tokens":1,"output_tokens":2})"
      "\n{\"lost\":7}"}};
  CHECK(daemon.call({"tail", "client=ann", "errors=1"}).exit_code == 3);
  CHECK(daemon.asked == "GET /v1/tail?client=ann&errors=1");
  CHECK(has(daemon.printed, " 200   1.5s      1 in      2 out  1.2.3.4:5  a?[31mb"));
  CHECK(has(daemon.printed, "\n... 7 lines were left out\n"));
  CHECK_FALSE(has(daemon.printed, "\x1b"));
  CHECK_FALSE(has(daemon.printed, "\xc2\x9b"));
  daemon.printed.clear();
  CHECK(daemon.call({"tail", "--json"}).exit_code == 3);
  CHECK(daemon.asked == "GET /v1/tail");
  CHECK(has(daemon.printed, "\n{\"lost\":7}\n"));
  CHECK(daemon.calls == 2);
  CHECK(daemon.call({"tail", "ann"}).exit_code == 2);
  CHECK(daemon.call({"tail", "clinet=ann"}).exit_code == 2);
}

TEST_CASE("claspctl tail: an upgrade is told, and the new process is watched") {
  FakeDaemon daemon{.told = ctl::Told{200, R"({"replaced_by":4711})"},
                    .then = ctl::Told{200, R"({"status":200,"model":"after"})"}};
  CHECK(daemon.call({"tail"}).exit_code == 3);
  CHECK(daemon.calls == 2);
  CHECK(daemon.printed.starts_with("... replaced by process 4711\n"));
  CHECK(has(daemon.printed, "after"));
  daemon.printed.clear();
  daemon.calls = 0;
  daemon.then = tl::unexpected(ctl::LinkError{ctl::LinkError::Kind::timeout, "no answer"});
  CHECK(daemon.call({"tail", "--json"}).exit_code == 4);
  CHECK(daemon.printed == "{\"replaced_by\":4711}\n");
}

TEST_CASE("claspctl: a daemon that is not done in time is a timeout") {
  FakeDaemon busy{
      ctl::Told{504, R"({"error":{"code":"still_busy","message":"still answering 2"}})"}};
  const Answer answer = busy.call({"backends", "drain", "main", "1"});
  CHECK(answer.exit_code == 4);
  CHECK(answer.err == "claspctl: still answering 2\n");
  CHECK(busy.asked == "POST /v1/backends/main/drain?seconds=1 ");
}

TEST_CASE("claspctl: names from outside give a terminal no orders") {
  FakeDaemon daemon{
      ctl::Told{200, R"({"exchanges":[{"id":"req_1","model":"a\u001b[31mb\u009bc"}]})"}};
  const Answer answer = daemon.call({"exchanges"});
  CHECK(has(answer.out, "a?[31mb"));
  CHECK_FALSE(has(answer.out, "\x1b"));
  CHECK_FALSE(has(answer.out, "\xc2\x9b"));
}

TEST_CASE("claspctl: answers of any shape are shown without a fault") {
  for (const char* body : {"", "[]", "{}", "3", "{\"backends\":3}", "{\"backends\":[3,{}]}",
                           "{\"enabled\":true,\"tickets\":[{}]}", "not json"}) {
    FakeDaemon daemon{ctl::Told{200, body}};
    for (const control::Command& command : control::commands()) {
      if (command.is_local()) continue;
      std::vector<std::string> args;
      for (const std::string_view word : split(command.words, ' ')) args.emplace_back(word);
      args.insert(args.end(), command.fewest, "x");
      // What is no object comes from another program.
      CHECK(daemon.call(args).exit_code == (command.streams           ? 3
                                            : *body != '{'            ? 4
                                            : command.words == "test" ? 1
                                                                      : 0));
    }
  }
}

TEST_CASE("an argument that is empty is a mistake, not everything") {
  FakeDaemon daemon{ctl::Told{200, R"({"flushed":7})"}};
  for (const std::vector<std::string>& words :
       std::vector<std::vector<std::string>>{{"cache", "flush", ""},
                                             {"backends", "drain", ""},
                                             {"backends", "drain", "x", ""},
                                             {"log-level", ""}}) {
    const Answer answer = daemon.call(words);
    CHECK(answer.exit_code == 2);
    CHECK(answer.err.starts_with("claspctl: an argument is empty; write claspctl "));
  }
  CHECK(daemon.asked.empty());
}

TEST_CASE("names that clients chose are shown tamed: no row, no colour, no end of the text") {
  FakeDaemon daemon{ctl::Told{
      200, R"({"exchanges":[{"id":"req_1","model":"a\u001b[31mb\nreq_2\u0000c\u009bd\u007f",)"
           R"("client":"J\u00f6rg"}]})"}};
  const std::string out = daemon.call({"exchanges"}).out;
  CHECK(has(out, "  J\xc3\xb6rg    a?[31mb?req_2?c?d?  "));
  CHECK(std::count(out.begin(), out.end(), '\n') == 2);
  CHECK(!has(out, "\x1b"));
  daemon.told = ctl::Told{500, R"({"error":{"code":"x","message":"\u001b[2Jone\ntwo"}})"};
  CHECK(daemon.call({"exchanges"}).err == "claspctl: ?[2Jone\ntwo\n");
}

TEST_CASE("whatever answers at the socket: only a daemon's answer is a success") {
  for (const char* body : {"", "<html>", "[]", "null", "7", "{\"a\":"}) {
    FakeDaemon daemon{ctl::Told{200, body}};
    for (const char* command : {"status", "exchanges", "queue"})
      CHECK_MESSAGE(daemon.call({command}).exit_code == 4, body);
    CHECK(daemon.call({"status", "--json"}).out.empty());
    CHECK(daemon.call({"doctor"}).exit_code == 1);
    CHECK(daemon.call({"claude"}).exit_code == 1);
  }
  FakeDaemon busy{ctl::Told{529, R"({"error":{"code":"too_many_connections","message":"no"}})"}};
  CHECK(busy.call({"status"}).exit_code == 1);
  CHECK(has(busy.call({"doctor"}).out, "does not tell its state: no\n"));
  // The code says that the command is unknown, whatever the message is.
  FakeDaemon other{
      ctl::Told{404, R"({"error":{"code":"no_exchange","message":"there is no such"}})"}};
  CHECK(other.call({"exchanges", "show", "x"}).exit_code == 1);
  FakeDaemon silent{tl::unexpected(ctl::LinkError{ctl::LinkError::Kind::timeout, "late"})};
  CHECK(silent.call({"claude"}).exit_code == 4);
}

TEST_CASE("the help fits a screen and tells all options") {
  const Answer help = call({"help"});
  CHECK(help.exit_code == 0);
  CHECK(help.out == call({"--help"}).out);
  const std::string one = call({"backends", "show", "--help"}).out;
  CHECK(has(one, "  backends show NAME [--json]\n"));
  CHECK_FALSE(has(one, "backends drain"));
  CHECK(call({"help", "backends", "show"}).out == one);
  CHECK(call({"backends", "show", "east", "--help"}).out == one);
  const std::string several = call({"help", "backends"}).out;
  CHECK(has(several, "  backends [--json]"));
  CHECK(has(several, "backends drain"));
  CHECK_FALSE(has(several, "breakers"));
  CHECK(call({"help", "nonsense"}).out == help.out);
  for (const std::string_view line : split(help.out, '\n')) {
    CHECK_MESSAGE(line.size() <= 80, line);
    CHECK_MESSAGE(!line.ends_with(' '), line);
  }
  for (const char* option :
       {"--json", "--socket PATH", "--instance NAME", "--timeout SECONDS", "--help", "--version"})
    CHECK_MESSAGE(has(help.out, option), option);
  CHECK(call({"status", "--socket"}).err.starts_with("claspctl: --socket needs a value\n"));
}
