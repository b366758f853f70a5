// What the refusals of one request taught (translation spec §6.5): how to ask the next time, what
// holds for later requests, and what proved right although the request failed in the end.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/exchange/lessons.h"

namespace clasp::exchange {

class Repairs {
 public:
  // The backend's own dialects, and what earlier requests learned about it (may be null).
  void begin(const translate::Dialect& dialect, const translate::Dialect& responses,
             AdaptedPtr known);

  // What to ask with now; null: the backend's own dialect.
  const AdaptedPtr& adapted() const { return adapted_; }
  // True when the refusal is understood and there is something new to try.
  bool learn(int status, std::string_view body, translate::Api api = translate::Api::chat);
  // The backend took what was asked, or refused it for the prompt's sake: all lessons were right.
  void settle() {
    if (lasting_ != told_) settled_ = lasting_;
  }
  // What later requests should know, once; null: nothing new.
  AdaptedPtr take_settled();
  // The lessons in order, for the log.
  std::string render() const;

 private:
  bool is_new_subject(const translate::Repair& repair) const;

  AdaptedPtr with_repair(const AdaptedPtr& before, const translate::Repair& repair) const;

  const translate::Dialect* dialect_ = nullptr;
  const translate::Dialect* responses_ = nullptr;
  AdaptedPtr known_;  // from earlier requests
  AdaptedPtr adapted_;
  AdaptedPtr lasting_;               // the lessons of this request that hold for others too
  AdaptedPtr settled_;               // those that were proved
  AdaptedPtr told_;                  // what take_settled() gave out last
  std::vector<AdaptedPtr> history_;  // replies of earlier attempts refer to these
  std::vector<std::string> keys_;
  std::vector<int> numbers_;
};

}  // namespace clasp::exchange
