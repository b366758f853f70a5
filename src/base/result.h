// Errors are values: a function either returns one or logs, never both.
#pragma once

#include <string>
#include <tl/expected.hpp>
#include <utility>

namespace clasp {

// What went wrong, in words an administrator can act on: cause first, remedy last.
struct Error {
  std::string message;
};

template <class T, class E = Error>
using Result = tl::expected<T, E>;

inline tl::unexpected<Error> fail(std::string message) {
  return tl::unexpected<Error>(Error{std::move(message)});
}

}  // namespace clasp
