// See token_counter.h.
#include "daemon/token_counter.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <csignal>
#include <system_error>
#include <utility>

#include "base/fd.h"
#include "base/sha256.h"
#include "daemon/error_text.h"

namespace clasp::daemon {

namespace {

constexpr std::size_t kMostFileBytes = 16u << 20;
// A file that was not there, or was no vocabulary, may be by then.
constexpr std::chrono::seconds kRetry{60};

// errno where it cannot be read; a device or a pipe is no file.
Result<std::string> read_file(const std::string& path) {
  const UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) return fail(describe_errno(errno));
  struct stat info {};
  if (fstat(fd.get(), &info) != 0 || !S_ISREG(info.st_mode)) return fail("it is no file");
  if (static_cast<std::size_t>(info.st_size) > kMostFileBytes) return fail("it is too large");
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t have = 0;
  while (have < text.size()) {
    const ssize_t got = ::read(fd.get(), text.data() + have, text.size() - have);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail(describe_errno(errno));
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  text.resize(have);
  return text;
}

std::string own_program() {
  char path[PATH_MAX];
  const ssize_t length = readlink("/proc/self/exe", path, sizeof path);
  return length > 0 ? std::string(path, static_cast<std::size_t>(length)) : std::string();
}

// The first place where something is, else the first one, which is named as missing.
std::string choose_place(const std::string& wanted) {
  if (wanted != "auto") return wanted;
  const auto places = vocabulary_places(own_program());
  for (const std::string& place : places)
    if (::access(place.c_str(), F_OK) == 0) return place;
  return places.front();
}

}  // namespace

std::vector<std::string> vocabulary_places(const std::string& program) {
  std::string folder = program.substr(0, program.rfind('/'));
  folder = folder.substr(0, folder.rfind('/'));
  std::vector<std::string> places;
  for (const std::string& prefix : {folder, std::string("/usr/local")})
    places.push_back((prefix + "/share/clasp/").append(translate::kO200kFile));
  return places;
}

bool TokenCounter::ask(Job job) {
  const std::lock_guard lock(mutex_);
  const std::size_t bytes = job.prompt.body.size();
  if (stopped_ || waiting_.size() >= kMostWaiting || bytes_waiting_ + bytes > kMostBytesWaiting)
    return false;
  if (!thread_.joinable()) {
    // Signals belong to the main loop.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    try {
      thread_ = std::thread([this] { run(); });
      pthread_setname_np(thread_.native_handle(), "counter");
    } catch (const std::system_error&) {
    }
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (!thread_.joinable()) return false;
  }
  bytes_waiting_ += bytes;
  waiting_.push_back(std::move(job));
  wake_.notify_one();
  return true;
}

void TokenCounter::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    wake_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

void TokenCounter::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait(lock, [this] { return stopped_ || !waiting_.empty(); });
    if (stopped_) return;
    const Job job = std::move(waiting_.front());
    waiting_.pop_front();
    bytes_waiting_ -= job.prompt.body.size();
    lock.unlock();
    if (!job.wanted.expired()) job.done(count(job));
    lock.lock();
  }
}

std::optional<std::int64_t> TokenCounter::count(const Job& job) {
  const translate::Vocabulary* known = vocabulary(choose_place(job.vocabulary));
  if (known == nullptr) return std::nullopt;
  return translate::count_prompt(*known, job.prompt);
}

const translate::Vocabulary* TokenCounter::vocabulary(const std::string& path) {
  const auto now = std::chrono::steady_clock::now();
  if (path != tried_ || (!loaded_ && now >= try_again_)) {
    load(path);
    tried_ = path;
    try_again_ = now + kRetry;
  }
  return loaded_ ? &*loaded_ : nullptr;
}

void TokenCounter::load(const std::string& path) {
  loaded_.reset();
  const auto text = read_file(path);
  if (!text)
    return tell(LogLevel::info, "no vocabulary to count tokens with at " + path + ": " +
                                    text.error().message + "; token counts are estimates");
  // What is counted with anything else would be neither exact nor the estimate.
  if (sha256_hex(*text) == digest_) loaded_ = translate::Vocabulary::parse(*text);
  if (!loaded_)
    return tell(LogLevel::warn, path +
                                    " is not the vocabulary o200k_base; token counts are "
                                    "estimates");
  tell(LogLevel::debug, "token counts of OpenAI's models are made with " + path);
}

// Once, until it is something else.
void TokenCounter::tell(LogLevel level, std::string problem) {
  if (problem == told_) return;
  log(level, problem);
  told_ = std::move(problem);
}

namespace {

class Work final : public exchange::CountWork {
 public:
  explicit Work(exchange::CounterPort::Done done)
      : done_(std::make_shared<exchange::CounterPort::Done>(std::move(done))) {}
  std::weak_ptr<exchange::CounterPort::Done> done() const { return done_; }

 private:
  std::shared_ptr<exchange::CounterPort::Done> done_;
};

}  // namespace

std::unique_ptr<exchange::CountWork> WorkerCounter::start(translate::Prompt prompt,
                                                          std::string vocabulary, Done done) {
  auto work = std::make_unique<Work>(std::move(done));
  // On the counter's thread only whether it is still there is asked; it is used on the worker's
  // own.
  const auto wanted = work->done();
  const bool taken =
      counter_.ask({std::move(prompt), std::move(vocabulary), wanted,
                    [&mailbox = mailbox_, wanted](std::optional<std::int64_t> tokens) {
                      mailbox.send([wanted, tokens] {
                        if (const auto tell = wanted.lock()) std::exchange(*tell, nullptr)(tokens);
                      });
                    }});
  if (!taken) return nullptr;
  return work;
}

}  // namespace clasp::daemon
