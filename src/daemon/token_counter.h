// Counts prompts with the vocabulary of OpenAI's models: on one thread for all workers, which the
// first count starts and which reads the file then. Where there is no such file, or there is too
// much to do, nothing is counted and the estimate serves.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/log.h"
#include "core/exchange/token_count.h"
#include "daemon/mailbox.h"

namespace clasp::daemon {

// Where `auto` looks, in turn: share/clasp beside the folder of the program, which is the same in a
// prefix, in an unpacked archive and in a build; then where an administrator puts what no package
// brings.
std::vector<std::string> vocabulary_places(const std::string& program);

class TokenCounter {
 public:
  static constexpr std::size_t kMostWaiting = 64;
  static constexpr std::size_t kMostBytesWaiting = 128u << 20;

  struct Job {
    translate::Prompt prompt;
    std::string vocabulary;
    std::weak_ptr<const void> wanted;  // expired: nobody waits for it any more
    exchange::CounterPort::Done done;  // called on the counter's thread
  };

  // `digest`: what the file must have, the SHA-256 of o200k_base but in tests.
  explicit TokenCounter(std::string digest = std::string(translate::kO200kDigest))
      : digest_(std::move(digest)) {}
  ~TokenCounter() { stop(); }

  // From any thread. False: too many wait, or it was stopped, or there is no thread to be had.
  bool ask(Job job);
  // Waits for the work in hand; nobody is called after that. Before the workers are destroyed.
  void stop();

 private:
  void run();
  // The following are the thread's own.
  std::optional<std::int64_t> count(const Job& job);
  const translate::Vocabulary* vocabulary(const std::string& path);
  void load(const std::string& path);
  void tell(LogLevel level, std::string problem);

  const std::string digest_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Job> waiting_;        // guarded by mutex_
  std::size_t bytes_waiting_ = 0;  // guarded by mutex_
  bool stopped_ = false;           // guarded by mutex_
  std::thread thread_;             // guarded by mutex_ until stopped
  std::optional<translate::Vocabulary> loaded_;
  std::string tried_;  // the path that loaded_ is from, or that had none
  std::chrono::steady_clock::time_point try_again_{};
  std::string told_;  // the last problem that was logged
};

// One worker's access to it.
class WorkerCounter final : public exchange::CounterPort {
 public:
  WorkerCounter(TokenCounter& counter, Mailbox& mailbox) : counter_(counter), mailbox_(mailbox) {}
  std::unique_ptr<exchange::CountWork> start(translate::Prompt prompt, std::string vocabulary,
                                             Done done) override;

 private:
  TokenCounter& counter_;
  Mailbox& mailbox_;
};

}  // namespace clasp::daemon
