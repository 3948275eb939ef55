#pragma once
// A function on a stack of its own, which can stop half-way and go on later: what a CUDA thread is in the emulator.
// x86-64 and the System V calling convention only.

#include <cstddef>
#include <functional>
#include <memory>

namespace tandem::emulator {

class Fiber {
 public:
  Fiber() = default;
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;

  /// The next resume() calls the body, which must outlive the call and must not throw. A fiber that was left half-way
  /// is begun anew; what its stack held is forgotten, no destructor runs.
  void start(const std::function<void()>& body);
  /// Runs the fiber until it suspends itself or its body returns.
  void resume();
  /// Called within the body: back to whoever resumed the fiber.
  void suspend();
  /// Whether the body has returned.
  bool finished() const { return finished_; }

 private:
  friend void enter_fiber(Fiber* fiber);

  std::unique_ptr<std::byte[]> stack_;
  void* own_stack_pointer_ = nullptr;      // while it does not run
  void* resumer_stack_pointer_ = nullptr;  // while it does
  const std::function<void()>* body_ = nullptr;
  bool finished_ = false;
};

}  // namespace tandem::emulator
