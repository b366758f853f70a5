// The stage of an exchange between its choice of a backend and the attempt: media are fetched or
// read, a few at a time, within one time limit. Knows nothing of requests and answers.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/scheduler.h"
#include "core/translate/media.h"

namespace clasp::exchange {

// One thing under way; destroying it cancels.
class MediaWork {
 public:
  virtual ~MediaWork() = default;
};

// What start() gives: the medium itself if it is known already, else work that is under way.
struct MediaStart {
  translate::MediumPtr known;
  std::unique_ptr<MediaWork> work;
};

class MediaPort {
 public:
  using Done = std::function<void(translate::MediumPtr)>;
  virtual ~MediaPort() = default;
  virtual translate::MediaAbilities abilities() const = 0;
  // `done` is called once, never from inside start() and not after the work was destroyed, which
  // may happen inside of it. What need.raw refers to must outlive the work.
  virtual MediaStart start(const translate::MediaNeed& need, Done done) = 0;
};

class Preparation {
 public:
  // The results go into `media`. `done` is called once, later, and may destroy this.
  Preparation(Scheduler& scheduler, MediaPort& port, std::vector<translate::MediaNeed> needs,
              translate::PreparedMedia& media, std::function<void()> done);
  Preparation(const Preparation&) = delete;
  Preparation& operator=(const Preparation&) = delete;

  // True when everything was known already: then `done` is not called.
  bool start();

 private:
  bool pump();
  void on_medium(std::size_t index, translate::MediumPtr medium);
  void on_deadline();
  void keep(std::size_t index, translate::MediumPtr medium);
  void finish();

  Scheduler& scheduler_;
  MediaPort& port_;
  const std::vector<translate::MediaNeed> needs_;
  translate::PreparedMedia& media_;
  std::function<void()> done_;
  std::vector<std::unique_ptr<MediaWork>> works_;  // by need
  std::size_t next_ = 0;
  std::size_t running_ = 0;
  std::size_t bytes_ = 0;
  TimerHandle deadline_;
};

}  // namespace clasp::exchange
