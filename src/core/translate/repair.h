// What a backend's refusal teaches (translation spec §6.5): which flag of its dialect is wrong,
// or which limit it has. Pure: the exchange tries again, policy/learned remembers.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "core/translate/dialect.h"
#include "core/translate/target.h"

namespace clasp::translate {

// One lesson. `number` is the row of the spec's table; 0: ask again, nothing is wrong.
struct Repair {
  int number = 0;
  std::vector<std::pair<std::string, std::string>> flags;  // for set_dialect_flag()
  Adjustments adjustments;
  bool lasting = true;  // false: it holds for this request only (a cap fitted to its length)
};

// A refusal is understood when its text matches a row and the row would change something.
// `status` is 400, 404 or 422 (of Responses also 405 and 501), 200 for an error object in a
// successful answer, or 500 for what a chat template refused. `current` and `adjusted` are what the
// refused request was made with.
std::optional<Repair> detect_repair(int status, std::string_view body, const Dialect& current,
                                    const Adjustments& adjusted, Api api = Api::chat);

// What tells one lesson from another: a request uses each at most once.
std::string repair_key(const Repair& repair);

// Applies a lesson to a backend's dialect and a call's adjustments.
void apply_repair(const Repair& repair, Dialect& dialect, Adjustments& adjustments);

}  // namespace clasp::translate
