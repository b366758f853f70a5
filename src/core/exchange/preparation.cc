// See preparation.h.
#include "core/exchange/preparation.h"

namespace clasp::exchange {

namespace {

constexpr std::size_t kAtOnce = 4;
// Everything together; single things have shorter limits of their own.
constexpr Duration kDeadline{20'000};
// Of one request. The first ones in the conversation are served first, so that its beginning
// stays the same from turn to turn.
constexpr std::size_t kMostBytes = 64u << 20;

}  // namespace

Preparation::Preparation(Scheduler& scheduler, MediaPort& port,
                         std::vector<translate::MediaNeed> needs, translate::PreparedMedia& media,
                         std::function<void()> done)
    : scheduler_(scheduler),
      port_(port),
      needs_(std::move(needs)),
      media_(media),
      done_(std::move(done)),
      works_(needs_.size()) {}

bool Preparation::start() {
  if (pump()) return true;
  deadline_ = scheduler_.after(kDeadline, [this] { on_deadline(); });
  return false;
}

// Starts what may be started; true when nothing is left to wait for.
bool Preparation::pump() {
  while (next_ < needs_.size() && running_ < kAtOnce) {
    const std::size_t index = next_++;
    if (bytes_ >= kMostBytes) {
      keep(index, nullptr);
      continue;
    }
    MediaStart started = port_.start(needs_[index], [this, index](translate::MediumPtr medium) {
      on_medium(index, std::move(medium));
    });
    if (started.known) {
      keep(index, std::move(started.known));
      continue;
    }
    works_[index] = std::move(started.work);
    ++running_;
  }
  return running_ == 0;
}

void Preparation::keep(std::size_t index, translate::MediumPtr medium) {
  if (medium) bytes_ += medium->raw.size();
  if (!medium || bytes_ > kMostBytes)
    medium = translate::failed_medium("the request's media are too large together");
  media_.put(needs_[index], std::move(medium));
}

void Preparation::on_medium(std::size_t index, translate::MediumPtr medium) {
  works_[index].reset();
  --running_;
  keep(index, std::move(medium));
  if (pump()) finish();
}

void Preparation::on_deadline() {
  for (std::size_t i = 0; i < needs_.size(); ++i)
    if (media_.find(needs_[i]) == nullptr)
      media_.put(needs_[i], translate::failed_medium("it took too long to get"));
  works_.clear();
  finish();
}

// The last thing that happens here: `this` may be gone afterwards.
void Preparation::finish() {
  deadline_.reset();
  const std::function<void()> done = std::move(done_);
  done();
}

}  // namespace clasp::exchange
