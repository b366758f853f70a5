// Which names may become label values. Names of models and clients come from outside, and every
// new one would be a new series for ever: those of the configuration are admitted, of all others
// the first few, and the rest is counted as "other".
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace clasp::daemon {

using NameId = std::uint16_t;
inline constexpr NameId kOtherName = 0;

struct NameHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view name) const {
    return std::hash<std::string_view>{}(name);
  }
};
using NameMap = std::unordered_map<std::string, NameId, NameHash, std::equal_to<>>;

// Shared by all threads.
class NamePool {
 public:
  static constexpr std::size_t kMost = 2000;    // names of the configuration, reloads included
  static constexpr std::size_t kLongest = 120;  // bytes

  // `strangers`: how many names that the configuration does not know are admitted.
  explicit NamePool(std::size_t strangers);

  void reserve(std::string_view name);  // it is in the configuration
  NameId admit(std::string_view name);  // kOtherName where there is no room
  NameId find(std::string_view name) const;
  std::vector<std::string> names() const;  // by id

 private:
  NameId find_locked(std::string_view name) const;
  NameId add_locked(std::string_view name);

  mutable std::mutex mutex_;
  const std::size_t most_strangers_;
  std::size_t strangers_ = 0;       // guarded by mutex_
  NameMap ids_;                     // guarded by mutex_
  std::vector<std::string> names_;  // guarded by mutex_
};

// One thread's memory of a pool, so that known names cost no lock.
class NameView {
 public:
  explicit NameView(NamePool& pool) : pool_(pool) {}
  // `may_admit`: a name that is new may take one of the free places.
  NameId id(std::string_view name, bool may_admit);

 private:
  NamePool& pool_;
  NameMap known_;
};

}  // namespace clasp::daemon
