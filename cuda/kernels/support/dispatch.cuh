#pragma once
// From run-time values to template arguments, and how work is cut for a device.

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <type_traits>

#include "cuda/kernels/support/queue.h"

namespace tandem::cuda::kernels {

inline constexpr int kThreads = 256;  // per block, in every kernel

/// Calls body(T{}), T being the type of that name.
template <class Body>
void with_type(Element type, const Body& body) {
  switch (type) {
    case Element::f32:
      return body(float{});
    case Element::bf16:
      return body(__nv_bfloat16{});
    case Element::f16:
      return body(__half{});
  }
}

/// Calls body(std::bool_constant<flag>{}, ...) for the flags.
template <class Body>
void with_flags(const Body& body) {
  body();
}
template <class Body, class... Flags>
void with_flags(const Body& body, bool flag, Flags... flags) {
  if (flag)
    with_flags([&](auto... constants) { body(std::true_type{}, constants...); }, flags...);
  else
    with_flags([&](auto... constants) { body(std::false_type{}, constants...); }, flags...);
}

/// Whether all these addresses, null ones aside, allow accesses of 16 bytes.
inline bool aligned(std::initializer_list<const void*> addresses) {
  return std::all_of(addresses.begin(), addresses.end(),
                     [](const void* p) { return reinterpret_cast<std::uintptr_t>(p) % 16 == 0; });
}

constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// Blocks for `items` of work. A block does `each` items at once and continues in strides of the grid. At most as many
/// blocks as the device runs at the same time.
inline unsigned grid_for(const Queue& queue, std::int64_t items, std::int64_t each) {
  constexpr std::int64_t kResident = 2048 / kThreads;  // blocks of a multiprocessor's most threads
  return static_cast<unsigned>(std::clamp<std::int64_t>(ceil_div(items, each), 1, queue.multiprocessors * kResident));
}

}  // namespace tandem::cuda::kernels
