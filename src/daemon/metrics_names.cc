// See metrics_names.h.
#include "daemon/metrics_names.h"

#include <algorithm>

#include "base/text.h"

namespace clasp::daemon {

namespace {

// The text format has no words for what is not UTF-8, and a label is for reading.
bool is_fit(std::string_view name) {
  const auto control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return !name.empty() && name.size() <= NamePool::kLongest && is_valid_utf8(name) &&
         std::none_of(name.begin(), name.end(), control);
}

}  // namespace

NamePool::NamePool(std::size_t strangers) : most_strangers_(strangers) {
  add_locked("other");
}

NameId NamePool::find_locked(std::string_view name) const {
  const auto it = ids_.find(name);
  return it != ids_.end() ? it->second : kOtherName;
}

NameId NamePool::add_locked(std::string_view name) {
  const auto id = static_cast<NameId>(names_.size());
  names_.emplace_back(name);
  ids_.emplace(name, id);
  return id;
}

void NamePool::reserve(std::string_view name) {
  if (!is_fit(name)) return;
  const std::lock_guard lock(mutex_);
  if (!ids_.contains(name) && names_.size() < kMost + most_strangers_) add_locked(name);
}

NameId NamePool::admit(std::string_view name) {
  if (!is_fit(name)) return kOtherName;
  const std::lock_guard lock(mutex_);
  if (const auto it = ids_.find(name); it != ids_.end()) return it->second;
  if (strangers_ >= most_strangers_) return kOtherName;
  ++strangers_;
  return add_locked(name);
}

NameId NamePool::find(std::string_view name) const {
  const std::lock_guard lock(mutex_);
  return find_locked(name);
}

std::vector<std::string> NamePool::names() const {
  const std::lock_guard lock(mutex_);
  return names_;
}

NameId NameView::id(std::string_view name, bool may_admit) {
  if (const auto it = known_.find(name); it != known_.end()) return it->second;
  const NameId id = may_admit ? pool_.admit(name) : pool_.find(name);
  if (id != kOtherName) known_.emplace(name, id);
  return id;
}

}  // namespace clasp::daemon
