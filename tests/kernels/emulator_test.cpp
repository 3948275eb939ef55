#include <functional>

#include "core/base/error.h"
#include "cuda/kernels/support/launch.cuh"
#include "tests/kernels/arrays.h"

namespace tandem::test {
namespace {

using cuda::kernels::launch;

constexpr unsigned kAllLanes = 0xFFFFFFFFU;

void barrier_of_some() {
  if (threadIdx.x != 5) __syncthreads();
}
void shuffle_of_some(int* sum) {
  if (threadIdx.x != 5) *sum += __shfl_xor_sync(kAllLanes, 1, 1);
}
void nothing() {}

TEST_CASE("the emulator finds a barrier or a shuffle that some threads do not reach, and goes on with other kernels") {
  int sum = 0;
  CHECK_THROWS_AS(launch({}, 3, 64, barrier_of_some), Error);
  CHECK_THROWS_AS(launch({}, 3, 64, shuffle_of_some, &sum), Error);
  CHECK_THROWS_AS(launch({}, 3, 16, shuffle_of_some, &sum), Error);  // half a warp
  CHECK_NOTHROW(launch({}, 3, 64, nothing));
}

TEST_CASE("the emulator refuses grids and blocks that a device does not take") {
  CHECK_THROWS_AS(launch({}, 0, 64, nothing), Error);
  CHECK_THROWS_AS(launch({}, dim3(1, 65536), 64, nothing), Error);
  CHECK_THROWS_AS(launch({}, 1, 1025, nothing), Error);
  CHECK_THROWS_AS(launch({}, 1, dim3(1, 1, 65), nothing), Error);
}

void add_neighbours(int* sums, bool* poisoned) {
  __shared__ float shared[64];
  const unsigned i = threadIdx.x;
  poisoned[blockIdx.x * 64 + i] = shared[i] != shared[i];
  __syncthreads();
  shared[i] = static_cast<float>(i);
  __syncthreads();
  const int far = static_cast<int>(shared[63 - i]);
  int sum = far;
  for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_xor_sync(kAllLanes, sum, distance);
  sums[blockIdx.x * 64 + i] = sum;
}

TEST_CASE("emulated threads see each other through shared memory and shuffles, and shared memory begins poisoned") {
  constexpr int kBlocks = 20;
  Array<int> sums(kBlocks * 64);
  bool poisoned[kBlocks * 64] = {};
  launch({}, kBlocks, 64, add_neighbours, sums.data(), +poisoned);
  for (int i = 0; i < kBlocks * 64; ++i) {
    CAPTURE(i);
    const int sum = i % 64 < 32 ? (32 + 63) * 16 : 31 * 16;  // of the other warp's numbers
    CHECK(sums.data()[i] == sum);
    CHECK(poisoned[i]);
  }
}

void note_order(int* order, int* next) { order[(*next)++] = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x); }

TEST_CASE("emulated threads and blocks run in changing orders, each once") {
  bool shuffled_blocks = false, shuffled_threads = false;
  for (int run = 0; run < 10; ++run) {
    int order[40], next = 0;
    launch({}, 10, 4, note_order, +order, &next);
    REQUIRE(next == 40);
    bool seen[40] = {};
    for (int i = 0; i < 40; ++i) {
      seen[order[i]] = true;
      if (order[i] / 4 != i / 4) shuffled_blocks = true;
      if (order[i] % 4 != i % 4) shuffled_threads = true;
    }
    CHECK(std::all_of(seen, seen + 40, [](bool is) { return is; }));
  }
  CHECK(shuffled_blocks);
  CHECK(shuffled_threads);
}

}  // namespace
}  // namespace tandem::test
