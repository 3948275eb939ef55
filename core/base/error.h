#pragma once
// Errors. Two kinds, because the programs end with two exit statuses:
//
//   InputError  the user gave something that cannot be used (a config, a list, an image, a checkpoint): exit status 2.
//   Error       something failed while running (disk full, out of memory, a library call): exit status 1.
//
// A message is one line: what, where (a JSON pointer, file:line, an op's name), what was expected.

#include <fmt/format.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

namespace tandem {

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class InputError : public Error {
 public:
  using Error::Error;
};

/// A device has not enough memory left.
class OutOfMemory : public Error {
 public:
  /// Bytes asked for, bytes held by Tandem, bytes that the device has left.
  OutOfMemory(std::size_t asked, std::size_t held, std::size_t free)
      : Error(fmt::format("out of memory: {} MiB asked for, {} MiB held, {} MiB free", asked >> 20, held >> 20,
                          free >> 20)),
        asked_(asked),
        held_(held),
        free_(free) {}
  std::size_t asked() const { return asked_; }
  std::size_t held() const { return held_; }
  std::size_t free() const { return free_; }

 private:
  std::size_t asked_, held_, free_;
};

/// Throws `Error` with a formatted message.
template <class... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

/// Throws `InputError` with a formatted message.
template <class... Args>
[[noreturn]] void fail_input(fmt::format_string<Args...> format, Args&&... args) {
  throw InputError(fmt::format(format, std::forward<Args>(args)...));
}

/// Throws `Error` unless `condition` holds: for the contracts between Tandem's own parts.
template <class... Args>
void require(bool condition, fmt::format_string<Args...> format, Args&&... args) {
  if (!condition) fail(format, std::forward<Args>(args)...);
}

}  // namespace tandem
