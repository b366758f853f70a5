// See pdf_reader.h.
#include "daemon/pdf_reader.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "base/text.h"

namespace clasp::daemon {

namespace {

// Another worker's program ends without telling us: how often a place is asked for.
constexpr Duration kRetry{20};

// What the program needs to read besides its input. One that was installed elsewhere has its
// libraries who knows where: it runs without this lock.
UniqueFd make_ruleset(const std::string& program) {
  if (!program.starts_with("/usr/") && !program.starts_with("/bin/")) return UniqueFd();
  return make_reading_ruleset({"/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache",
                               "/etc/ld.so.preload", "/etc/localtime", "/etc/fonts"});
}

std::string describe(const ChildEnd& end) {
  if (end.known && end.exit_code < 0) return "it could not be read within the limits";
  return "it is damaged, encrypted or no PDF";
}

}  // namespace

std::string find_program(std::string_view name, std::string_view path) {
  for (const std::string_view folder : split(path, ':')) {
    // An empty or relative entry means the current folder, which may be anybody's.
    if (!folder.starts_with('/')) continue;
    const std::string file = std::string(folder).append("/").append(name);
    struct stat info {};
    if (stat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode) && access(file.c_str(), X_OK) == 0)
      return file;
  }
  return {};
}

// One PDF, from the queue to the end of the program. It may outlive the caller's interest: a
// killed program still has to be collected.
class PdfReader::Run final : public ChildProcess::Owner {
 public:
  Run(PdfReader& owner, Source s, Done d)
      : reader(owner), source(std::move(s)), done(std::move(d)) {}

  void on_child_output(std::string_view bytes) override {
    outcome.text.append(bytes.substr(0, kMostText - outcome.text.size()));
    if (outcome.text.size() < kMostText) return;
    outcome.cut = true;
    child->kill();
  }
  void on_child_end(const ChildEnd& end) override {
    if (late) {
      outcome = {.problem = "it took too long to read"};
    } else if (!outcome.cut && (end.known ? end.exit_code != 0 : outcome.text.empty())) {
      outcome = {.problem = describe(end)};
    }
    reader.finish(*this, std::move(outcome));
  }

  PdfReader& reader;
  Source source;
  Done done;
  Work* work = nullptr;  // nullptr once nobody wants it
  std::unique_ptr<ChildProcess> child;
  TimerHandle deadline;
  Outcome outcome;
  bool late = false;
};

class PdfReader::Work final : public exchange::MediaWork {
 public:
  explicit Work(Run& r) : run(&r) { r.work = this; }
  ~Work() override {
    if (run != nullptr) run->reader.cancel(*run);
  }
  Run* run;
};

PdfReader::PdfReader(event_base* base, Scheduler& scheduler, std::string program,
                     SharedMedia& shared)
    : base_(base),
      scheduler_(scheduler),
      ruleset_(make_ruleset(program)),
      command_{.program = std::move(program),
               .arguments = {"-q", "-enc", "UTF-8", "-", "-"},
               .ruleset = ruleset_.get()},
      shared_(shared) {}

PdfReader::~PdfReader() {
  for (const auto& run : runs_) {
    if (run->work != nullptr) run->work->run = nullptr;
    if (run->child) shared_.give_place();
  }
}

std::unique_ptr<exchange::MediaWork> PdfReader::start(Source source, Done done) {
  runs_.push_back(std::make_unique<Run>(*this, std::move(source), std::move(done)));
  Run& run = *runs_.back();
  waiting_.push_back(&run);
  arm(Duration::zero());
  return std::make_unique<Work>(run);
}

void PdfReader::arm(Duration delay) {
  timer_ = scheduler_.after(delay, [this] { pump(); });
}

void PdfReader::pump() {
  timer_.reset();
  while (!waiting_.empty()) {
    if (!shared_.take_place()) return arm(kRetry);
    Run& run = *waiting_.front();
    waiting_.pop_front();
    launch(run);
  }
}

void PdfReader::launch(Run& run) {
  const Source source = std::move(run.source);
  auto child = ChildProcess::start(base_, command_, source(), run);
  if (!child) {
    shared_.give_place();
    log_warn("pdftotext cannot be run: " + child.error().message);
    return finish(run, {.problem = "it cannot be read at the moment"});
  }
  run.child = std::move(*child);
  run.deadline = scheduler_.after(kTime, [&run] {
    run.late = true;
    run.child->kill();
  });
}

void PdfReader::finish(Run& run, Outcome outcome) {
  const auto place =
      std::find_if(runs_.begin(), runs_.end(), [&](const auto& one) { return one.get() == &run; });
  const std::unique_ptr<Run> ended = std::move(*place);
  runs_.erase(place);
  if (ended->child) {
    shared_.give_place();
    if (!waiting_.empty()) arm(Duration::zero());
  }
  if (ended->work == nullptr) return;
  ended->work->run = nullptr;
  const Done done = std::move(ended->done);
  done(std::move(outcome));
}

void PdfReader::cancel(Run& run) {
  run.work = nullptr;
  if (run.child) return run.child->kill();
  std::erase(waiting_, &run);
  std::erase_if(runs_, [&](const auto& one) { return one.get() == &run; });
}

}  // namespace clasp::daemon
