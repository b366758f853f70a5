// See lessons.h.
#include "core/exchange/lessons.h"

#include <algorithm>

namespace clasp::exchange {

std::string lesson_key(const Backend& backend) {
  return backend.settings.name + " " + backend.base_url_hash;
}

AdaptedPtr Lessons::find(const std::string& backend, const std::string& model, TimePoint now) {
  const auto found = lessons_.find(Key(backend, model));
  if (found == lessons_.end()) return nullptr;
  if (now - found->second.learned < kLessonLife) return found->second.adapted;
  lessons_.erase(found);
  return nullptr;
}

void Lessons::learn(const std::string& backend, const std::string& model, AdaptedPtr adapted,
                    TimePoint now) {
  lessons_[Key(backend, model)] = Lesson{std::move(adapted), now};
  if (lessons_.size() > kMostLessons) {
    const auto oldest = std::min_element(
        lessons_.begin(), lessons_.end(),
        [](const auto& a, const auto& b) { return a.second.learned < b.second.learned; });
    lessons_.erase(oldest);
  }
}

}  // namespace clasp::exchange
