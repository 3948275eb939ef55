#pragma once
// Runs CUDA kernels on the CPU, to compare their results with the reference backend's where there is no GPU.
//
// The .cu files are compiled as C++, with the headers in include/ in the place of CUDA's. A block's threads are fibers
// of one thread of the CPU; blocks run one after the other. What it checks, besides the results:
//   - every thread of a block reaches each __syncthreads(), and every lane of a warp each shuffle; otherwise Error;
//   - no thread relies on others of its block, beyond barriers and shuffles, and no block on other blocks: threads run
//     in order, in the reverse order or shuffled, blocks shuffled;
//   - shared memory is written before it is read: each block finds it full of NaNs;
//   - the grid, the block and the parameters are such as a device takes;
//   - accesses are aligned: the emulated kernels are compiled to trap where one is not.
// What it cannot check: speed; real races, since a fiber gives up the CPU at barriers and shuffles only; and where nvcc
// contracts a * b + c to one rounding, which the emulated kernels never do but where they say fma.

#include <cstddef>
#include <functional>

struct dim3;

namespace tandem::emulator {

/// Calls body() as every thread of every block of the grid. Error if a barrier or a shuffle is not reached by all; the
/// kernel is then left half-way. Not to be called by two threads at once: CUDA's threadIdx is one variable.
void run(const dim3& grid, const dim3& block, const std::function<void()>& body);

/// The calling CUDA thread waits until all threads of its block do.
void wait_for_block();

/// Gives `mine` to the lanes of the calling thread's warp, and gets the value of lane (own lane XOR distance), once all
/// 32 lanes have come. At most 16 bytes.
void exchange_in_warp(const void* mine, void* other, std::size_t bytes, unsigned distance);

}  // namespace tandem::emulator
