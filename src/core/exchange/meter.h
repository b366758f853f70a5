// What an exchange measures while it runs, beside the record that it leaves at its end.
#pragma once

#include <string_view>

#include "base/count.h"

namespace clasp::exchange {

class MeterPort {
 public:
  virtual ~MeterPort() = default;
  // Where the gaps between two pieces of a stream's content are counted; asked once per stream.
  // Outlives the exchange.
  virtual Histogram* gaps(std::string_view backend) = 0;
};

}  // namespace clasp::exchange
