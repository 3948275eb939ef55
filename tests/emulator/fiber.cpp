#include "tests/emulator/fiber.h"

#include <cstdint>
#include <cstdlib>

// The registers that a call must preserve are kept on the stack that is left, and fetched from the one that is entered.
// swapcontext() does the same and two system calls more, for the signal mask: too slow for a switch at each barrier.
asm(R"(
.text
.type tandem_switch_stack, @function
tandem_switch_stack:
  pushq %rbp
  pushq %rbx
  pushq %r12
  pushq %r13
  pushq %r14
  pushq %r15
  movq %rsp, (%rdi)
  movq %rsi, %rsp
  popq %r15
  popq %r14
  popq %r13
  popq %r12
  popq %rbx
  popq %rbp
  ret
.size tandem_switch_stack, . - tandem_switch_stack

.type tandem_begin_fiber, @function
tandem_begin_fiber:
  movq %r12, %rdi
  call *%rbx
  ud2
.size tandem_begin_fiber, . - tandem_begin_fiber
)");

extern "C" {
/// Goes on where the stack `to` was left; *from becomes what brings one back here.
void tandem_switch_stack(void** from, void* to);
/// Where a new stack begins: calls the function in rbx with the argument in r12.
void tandem_begin_fiber();
}

namespace tandem::emulator {
namespace {

constexpr std::size_t kStackBytes = std::size_t{128} << 10;

/// What tandem_switch_stack fetches, from the stack pointer upwards.
struct Frame {
  void *r15, *r14, *r13, *r12, *rbx, *rbp, *return_address, *above;
};

}  // namespace

void enter_fiber(Fiber* fiber) {
  (*fiber->body_)();
  fiber->finished_ = true;
  fiber->suspend();
  std::abort();  // resumed after its end
}

void Fiber::start(const std::function<void()>& body) {
  // Not initialised: pages that no call reaches are never touched.
  if (!stack_) stack_ = std::make_unique_for_overwrite<std::byte[]>(kStackBytes);
  body_ = &body;
  finished_ = false;
  const auto top = reinterpret_cast<std::uintptr_t>(stack_.get() + kStackBytes) / 16 * 16;
  // tandem_begin_fiber finds the stack pointer at Frame::above, and calls; there it must be a multiple of 16.
  auto* const frame = reinterpret_cast<Frame*>(top - 16 - offsetof(Frame, above));
  *frame = {};
  frame->r12 = this;
  frame->rbx = reinterpret_cast<void*>(&enter_fiber);
  frame->return_address = reinterpret_cast<void*>(&tandem_begin_fiber);
  own_stack_pointer_ = frame;
}

void Fiber::resume() { tandem_switch_stack(&resumer_stack_pointer_, own_stack_pointer_); }

void Fiber::suspend() { tandem_switch_stack(&own_stack_pointer_, resumer_stack_pointer_); }

}  // namespace tandem::emulator
