// Takes the text out of PDFs with the program pdftotext, a few at once, each within time and
// memory. One per worker. It neither caches nor knows where a PDF came from.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <string>

#include "core/exchange/preparation.h"
#include "daemon/child_process.h"
#include "daemon/shared_media.h"

namespace clasp::daemon {

// The program's absolute path as PATH has it; empty when it is not installed.
std::string find_program(std::string_view name, std::string_view path);

class PdfReader {
 public:
  struct Outcome {
    std::string text = {};     // as it came
    bool cut = false;          // there was more
    std::string problem = {};  // in words for the client; empty when it was read
  };
  // Gives the PDF when its turn has come, so that what waits holds no second copy.
  using Source = std::function<std::string()>;
  using Done = std::function<void(Outcome)>;

  static constexpr Duration kTime{10'000};
  static constexpr std::size_t kMostText = 1u << 20;

  PdfReader(event_base* base, Scheduler& scheduler, std::string program, SharedMedia& shared);
  ~PdfReader();
  PdfReader(const PdfReader&) = delete;
  PdfReader& operator=(const PdfReader&) = delete;

  // `done` is called once, later; destroying the work cancels.
  std::unique_ptr<exchange::MediaWork> start(Source source, Done done);

 private:
  class Work;
  class Run;
  void arm(Duration delay);
  void pump();
  void launch(Run& run);
  void finish(Run& run, Outcome outcome);
  void cancel(Run& run);

  event_base* base_;
  Scheduler& scheduler_;
  const UniqueFd ruleset_;
  const ChildCommand command_;
  SharedMedia& shared_;
  std::list<std::unique_ptr<Run>> runs_;
  std::deque<Run*> waiting_;
  TimerHandle timer_;
};

}  // namespace clasp::daemon
