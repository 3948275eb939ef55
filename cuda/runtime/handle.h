#pragma once
// The owner of one object of a C library: destroyed with its owner, moved, never copied.

#include <utility>

namespace tandem::cuda {

/// T is the library's handle, a pointer; Destroy the function that takes it back.
template <class T, auto Destroy>
class Handle {
 public:
  Handle() = default;
  explicit Handle(T raw) : raw_(raw) {}
  ~Handle() { reset(); }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  Handle(Handle&& other) noexcept : raw_(std::exchange(other.raw_, nullptr)) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      reset();
      raw_ = std::exchange(other.raw_, nullptr);
    }
    return *this;
  }

  T get() const { return raw_; }
  /// Where a function that creates the object writes it. Destroys the object owned before.
  T* receive() {
    reset();
    return &raw_;
  }

 private:
  // The status of the destruction is ignored: there is nothing left to do about a failure.
  void reset() noexcept {
    if (raw_) (void)Destroy(std::exchange(raw_, nullptr));
  }

  T raw_ = nullptr;
};

}  // namespace tandem::cuda
