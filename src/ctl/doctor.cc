// claspctl doctor: one finding after the other, each with its remedy. See local.h. It changes
// nothing and asks no backend.
#include "base/text.h"
#include "config/listen.h"
#include "config/load.h"
#include "ctl/json.h"
#include "ctl/local.h"
#include "ctl/pieces.h"
#include "ctl/width.h"

namespace clasp::ctl {

namespace {

enum class Verdict { good, doubtful, bad };

struct Finding {
  Verdict verdict;
  std::string what, remedy;
};

class Doctor {
 public:
  Doctor(const Call& call, const World& world) : call_(call), world_(world) {}

  Answer run() {
    const bool running = look_at_daemon();
    if (!running) look_at_configuration();
    look_at_clock();
    return answer();
  }

 private:
  void add(Verdict verdict, std::string what, std::string remedy = "") {
    findings_.push_back({verdict, std::move(what), std::move(remedy)});
  }

  Result<Told, LinkError> ask(const char* method, const char* target) {
    return world_.ask_daemon(call_.options, method, target);
  }

  // True when one runs, whatever it says.
  bool look_at_daemon() {
    const auto told = ask("GET", "/v1/status");
    if (!told) {
      if (told.error().kind == LinkError::Kind::refused) {
        add(Verdict::bad, told.error().message);
        return true;
      }
      const bool silent = told.error().kind == LinkError::Kind::timeout;
      add(silent ? Verdict::bad : Verdict::doubtful, told.error().message,
          silent ? "look into its log, and restart it: systemctl restart clasp"
                 : "start it: systemctl start clasp, or clasp in a terminal");
      return silent;
    }
    const JsonPtr root = parse_json(told->body);
    if (told->status != 200 || !root) {
      const json_t* error = json_object_get(root.get(), "error");
      const std::string_view why = text_of(error, "message");
      if (text_of(error, "code") == "control_off") {
        add(Verdict::doubtful, std::string(why));
        return true;
      }
      add(Verdict::bad,
          "what answers at the control socket does not tell its state: " +
              (why.empty() ? "it answered " + std::to_string(told->status) : std::string(why)),
          "is it clasp, and of this version?");
      return true;
    }
    add(Verdict::good, "the daemon runs, version " + std::string(text_of(root.get(), "version")) +
                           ", " + std::string(text_of(root.get(), "state")));
    if (text_of(root.get(), "version") != CLASP_VERSION)
      add(Verdict::doubtful, "claspctl is version " CLASP_VERSION " and the daemon another one",
          "restart the daemon, so that it is the installed program");
    look_at_backends(json_object_get(root.get(), "backends"));
    look_at_socket(root.get());
    check_running_configuration();
    return true;
  }

  void look_at_backends(const json_t* backends) {
    std::size_t i = 0;
    json_t* one = nullptr;
    json_array_foreach(backends, i, one) {
      const std::string name(text_of(one, "name"));
      const std::string_view state = text_of(one, "state");
      const std::string_view admin = text_of(one, "admin");
      const std::string cause(text_of(one, "last_error"));
      if (text_of(one, "provider") == "demo")
        add(Verdict::doubtful, "backend " + name + " gives canned demo answers",
            "set the key of a provider, for example OPENAI_API_KEY, and restart");
      if (admin != "enabled")
        add(Verdict::doubtful, "backend " + name + " is " + std::string(admin),
            "claspctl backends enable " + name);
      else if (state == "down" || state == "degraded")
        add(state == "down" ? Verdict::bad : Verdict::doubtful,
            "backend " + name + " is " + std::string(state) +
                (cause.empty() ? "" : ", its last failure was " + cause),
            remedy_of(cause));
      if (number_of(one, "keys_resting") > 0)
        add(Verdict::doubtful,
            counted(number_of(one, "keys_resting"),
                    "key of backend " + name + " was refused and rests",
                    "keys of backend " + name + " were refused and rest"),
            "look at the key and the account at the provider");
    }
  }

  void look_at_socket(const json_t* status) {
    const std::string_view mode = text_of(status, "control_mode");
    if (mode.empty() || (mode.back() != '6' && mode.back() != '7' && mode.back() != '2')) return;
    add(Verdict::doubtful,
        "everybody on this machine may look through the control socket " +
            std::string(text_of(status, "control_socket")) + " (mode " + std::string(mode) + ")",
        "mode = 0660 and group = NAME in [control]; where systemd makes the socket: SocketMode= "
        "and "
        "SocketGroup=");
  }

  static std::string remedy_of(std::string_view cause) {
    if (cause == "connect") return "is its base_url right, does it run, is a firewall between?";
    if (cause == "unauthorized" || cause == "auth") return "its key is refused: set the right one";
    if (cause == "quota") return "the account at the provider has no credit left";
    if (cause == "rate_limited") return "the provider limits you: set max_concurrency, add a key";
    return "claspctl backends show NAME tells more, the log most";
  }

  void check_running_configuration() {
    const auto told = ask("POST", "/v1/config/check");
    if (!told) return;
    const JsonPtr root = parse_json(told->body);
    if (told->status == 403) {
      add(Verdict::doubtful, "the configuration was not checked: that is for root",
          "run claspctl doctor as root");
    } else if (told->status == 422) {
      const json_t* error = json_object_get(root.get(), "error");
      for (const std::string_view line : split(text_of(error, "message"), '\n'))
        add(Verdict::bad, std::string(line), "mend it, then claspctl reload");
    } else if (told->status == 200) {
      add(Verdict::good, "the configuration is valid");
      add_warnings(json_object_get(root.get(), "warnings"));
    }
  }

  // Of those that do not say it themselves.
  static std::string remedy_of_warning(std::string_view warning) {
    const auto has = [warning](std::string_view part) {
      return warning.find(part) != std::string_view::npos;
    };
    if (has("expired on") || has("expires on"))
      return "renew it (certbot renew, or whatever made it), then claspctl reload";
    if (has("every user of this machine can read") && !has("chmod"))
      return "chmod 600, or 640 and a group of the daemon's own";
    return {};
  }

  void add_warnings(const json_t* warnings) {
    std::size_t i = 0;
    json_t* one = nullptr;
    json_array_foreach(warnings, i, one) if (json_is_string(one))
        add(Verdict::doubtful, json_string_value(one), remedy_of_warning(json_string_value(one)));
  }

  // No daemon: as it would start with this environment.
  void look_at_configuration() {
    if (!world_.load_configuration) return;
    const auto loaded = world_.load_configuration();
    if (!loaded) {
      for (const std::string_view line : split(loaded.error().message, '\n')) {
        // Those of a service are shown to its daemon only.
        const bool hidden = line.find("CREDENTIALS_DIRECTORY is not set") != std::string_view::npos;
        add(hidden ? Verdict::doubtful : Verdict::bad, std::string(line),
            hidden ? "if systemd is to start it: systemctl start clasp, then claspctl config check"
                   : "");
      }
      return;
    }
    const std::string& file = loaded->settings.config_file;
    add(Verdict::good, "the configuration is valid" +
                           (file.empty() ? std::string(" (there is no file)") : ": " + file));
    for (const std::string& warning : loaded->warnings)
      add(Verdict::doubtful, warning, remedy_of_warning(warning));
    for (const config::Listener& listener : loaded->settings.listeners) {
      if (listener.is_unix || listener.port == 0) continue;
      const std::string problem = world_.why_not_listen(listener.address, listener.port);
      if (problem.empty() || is_of_systemd(listener)) continue;
      add(Verdict::bad, config::render_listener(listener) + ": " + problem,
          "another program listens there: ss -ltnp sport = :" + std::to_string(listener.port) +
              " names it (or it is clasp, without a control socket); stop it, or choose another "
              "port");
    }
  }

  // The port of our own socket unit is taken as it should be.
  bool is_of_systemd(const config::Listener& listener) {
    const std::string unit =
        world_.socket_unit_at ? world_.socket_unit_at(listener.address, listener.port) : "";
    if (unit.empty()) return false;
    const std::string where = config::render_listener(listener) + ": systemd listens there for ";
    if (unit == "clasp.socket" || unit.starts_with("clasp@"))
      add(Verdict::good, where + "clasp (" + unit + "); a connection starts the daemon");
    else
      add(Verdict::bad, where + "another program (" + unit + ")",
          "systemctl disable --now " + unit + ", or choose another port");
    return true;
  }

  void look_at_clock() {
    if (world_.clock_is_synchronised && !world_.clock_is_synchronised())
      add(Verdict::doubtful, "the system's clock is not synchronised",
          "a wrong time makes certificates invalid and keys expire early: timedatectl set-ntp "
          "true");
  }

  Answer answer() const {
    Answer out;
    const JsonPtr list(json_array());
    for (const Finding& finding : findings_) {
      if (finding.verdict == Verdict::bad) out.exit_code = kExitFailure;
      constexpr const char* kWords[] = {"ok", "warning", "problem"};
      const char* word = kWords[static_cast<int>(finding.verdict)];
      json_t* one = json_object();
      json_object_set_new(one, "verdict", json_string(word));
      json_object_set_new(one, "finding", json_string(finding.what.c_str()));
      json_object_set_new(one, "remedy", json_string(finding.remedy.c_str()));
      json_array_append_new(list.get(), one);
      if (call_.json) continue;
      constexpr const char* kColours[] = {"\x1b[32m", "\x1b[33m", "\x1b[31m"};
      constexpr std::size_t kIndent = 9, kRemedy = 12;
      const std::string mark = finding.verdict == Verdict::good       ? "ok       "
                               : finding.verdict == Verdict::doubtful ? "warning  "
                                                                      : "problem  ";
      const std::string line = wrap(mark + finding.what, world_.look.width, kIndent);
      out.out.append(world_.look.colour ? kColours[static_cast<int>(finding.verdict)] + mark +
                                              "\x1b[0m" + line.substr(mark.size())
                                        : line);
      out.out.append("\n");
      if (!finding.remedy.empty())
        out.out.append(wrap("         -> " + finding.remedy, world_.look.width, kRemedy))
            .append("\n");
    }
    if (!call_.json) return out;
    const JsonPtr root(json_pack("{s:O}", "findings", list.get()));
    const std::unique_ptr<char, void (*)(void*)> text(json_dumps(root.get(), JSON_COMPACT), free);
    out.out = std::string(text ? text.get() : "{}") + "\n";
    return out;
  }

  const Call& call_;
  const World& world_;
  std::vector<Finding> findings_;
};

}  // namespace

Answer run_doctor(const Call& call, const World& world) {
  return Doctor(call, world).run();
}

}  // namespace clasp::ctl
