// See repairs.h.
#include "core/exchange/repairs.h"

#include <algorithm>
#include <utility>

namespace clasp::exchange {

namespace {

// Different lessons that one request may cost, apart from asking the same once more.
constexpr std::ptrdiff_t kMostRepairs = 3;

}  // namespace

AdaptedPtr Repairs::with_repair(const AdaptedPtr& before, const translate::Repair& repair) const {
  auto after = before ? std::make_shared<Adapted>(*before)
                      : std::make_shared<Adapted>(Adapted{*dialect_, {}, *responses_});
  // What one API refuses the other would, too.
  translate::Adjustments same = after->adjustments;
  translate::apply_repair(repair, after->responses, same);
  translate::apply_repair(repair, after->dialect, after->adjustments);
  return after;
}

void Repairs::begin(const translate::Dialect& dialect, const translate::Dialect& responses,
                    AdaptedPtr known) {
  dialect_ = &dialect;
  responses_ = &responses;
  known_ = std::move(known);
  history_.push_back(std::exchange(adapted_, known_));
  lasting_ = settled_ = told_ = nullptr;
  keys_.clear();
  numbers_.clear();
}

// Whether the refusal is about something that no lesson so far was about: then those were right.
bool Repairs::is_new_subject(const translate::Repair& repair) const {
  if (repair.number == 0) return false;
  return !repair.adjustments.drop_fields.empty() ||
         std::find(numbers_.begin(), numbers_.end(), repair.number) == numbers_.end();
}

bool Repairs::learn(int status, std::string_view body, translate::Api api) {
  static const translate::Adjustments kNone;
  const translate::Dialect& own = api == translate::Api::responses ? *responses_ : *dialect_;
  const translate::Dialect& current = adapted_ ? adapted_->dialect_for(api) : own;
  const translate::Adjustments& adjusted = adapted_ ? adapted_->adjustments : kNone;
  const auto repair = translate::detect_repair(status, body, current, adjusted, api);
  if (!repair) return false;
  if (is_new_subject(*repair)) settle();
  const auto counts = [](int number) { return number != 0; };
  if (repair->number != 0 &&
      std::count_if(numbers_.begin(), numbers_.end(), counts) >= kMostRepairs)
    return false;
  std::string key = translate::repair_key(*repair);
  if (std::find(keys_.begin(), keys_.end(), key) != keys_.end()) return false;
  keys_.push_back(std::move(key));
  numbers_.push_back(repair->number);
  // Lessons for others build on what was known before, not on what fits this request only.
  if (repair->lasting) lasting_ = with_repair(lasting_ ? lasting_ : known_, *repair);
  history_.push_back(std::exchange(adapted_, with_repair(adapted_, *repair)));
  return true;
}

AdaptedPtr Repairs::take_settled() {
  if (settled_) told_ = settled_;
  return std::exchange(settled_, nullptr);
}

std::string Repairs::render() const {
  std::string out;
  for (const std::string& key : keys_) out.append(out.empty() ? "" : ", ").append(key);
  return out;
}

}  // namespace clasp::exchange
