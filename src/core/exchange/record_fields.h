// The record as fields of a journal entry, so that programs need not take lines apart. The names
// are a promise: docs/operating.md and clasp(8) list them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/log.h"
#include "core/exchange/record.h"

namespace clasp::exchange {

// Fields and the texts of their values. What is not known is left out; numbers that count something
// are always there.
class RecordFields {
 public:
  explicit RecordFields(const Record& record);
  explicit RecordFields(const Refusal& refusal);

  // Views into this object and the record.
  std::vector<LogField> views() const;

 private:
  void add(std::string_view name, std::string_view value);
  void add(std::string_view name, std::int64_t value);
  void add_answer(const Record& record);
  void add_counts(const Record& record);
  void add_story(const Record& record);

  std::vector<std::pair<std::string_view, std::string>> fields_;
};

}  // namespace clasp::exchange
