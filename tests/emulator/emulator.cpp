#include "tests/emulator/emulator.h"

#include <cuda_runtime.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <exception>
#include <memory>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

#include "core/base/error.h"
#include "tests/emulator/fiber.h"

// CUDA's names, set for each thread as it runs.
uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace tandem::emulator {
namespace {

constexpr std::size_t kWarp = 32;

enum class State { ready, at_barrier, in_shuffle, finished };

struct CudaThread {
  Fiber fiber;
  State state = State::finished;
  uint3 index{};
  // What it shows its warp. Two in turns: a lane may have come to the next shuffle before another has read the last.
  std::array<std::array<std::byte, 16>, 2> shown{};
  std::size_t turn = 0;
};

/// Fills the kernels' shared variables with NaNs.
///
/// __shared__ is thread_local here, and each launch has a thread of its own (run() below), so that this thread's
/// variables of the program itself, which the loader lists first, are the kernels' alone: no code but theirs runs here
/// that has any. Static variables in a section of their own would be plainer, but GCC 12 ignores the section of those
/// in templates.
void poison_shared_memory() {
  dl_iterate_phdr(
      [](dl_phdr_info* module, std::size_t, void*) {
        for (int i = 0; i < module->dlpi_phnum; ++i)
          if (module->dlpi_phdr[i].p_type == PT_TLS && module->dlpi_tls_data != nullptr)
            std::memset(module->dlpi_tls_data, 0xFF, module->dlpi_phdr[i].p_memsz);
        return 1;  // the program was the first; libraries keep theirs
      },
      nullptr);
}

class Scheduler {
 public:
  void run_grid(const std::function<void()>& body) {
    threads_in_block_ = std::size_t{blockDim.x} * blockDim.y * blockDim.z;
    while (threads_.size() < threads_in_block_) threads_.push_back(std::make_unique<CudaThread>());
    std::vector<std::uint64_t> blocks(std::uint64_t{gridDim.x} * gridDim.y * gridDim.z);
    std::iota(blocks.begin(), blocks.end(), std::uint64_t{0});
    std::shuffle(blocks.begin(), blocks.end(), random_);
    for (const std::uint64_t block : blocks) {
      blockIdx = position(block, gridDim);
      run_block(body);
    }
  }

  /// Stops the thread that runs, in that state, until the others are as far.
  void stop_current(State state) {
    current_->state = state;
    current_->fiber.suspend();
  }

  void exchange(const void* mine, void* other, std::size_t bytes, unsigned distance) {
    CudaThread& me = *current_;
    const std::size_t turn = me.turn, partner = current_number_ ^ distance;
    me.turn = 1 - turn;
    std::memcpy(me.shown[turn].data(), mine, bytes);
    stop_current(State::in_shuffle);
    std::memcpy(other, threads_[partner]->shown[turn].data(), bytes);
  }

 private:
  static uint3 position(std::uint64_t number, const dim3& size) {
    return {static_cast<unsigned>(number % size.x), static_cast<unsigned>(number / size.x % size.y),
            static_cast<unsigned>(number / size.x / size.y)};
  }

  void run_block(const std::function<void()>& body) {
    poison_shared_memory();
    for (std::size_t i = 0; i < threads_in_block_; ++i) {
      CudaThread& thread = *threads_[i];
      thread.fiber.start(body);
      thread.state = State::ready;
      thread.index = position(i, blockDim);
      thread.turn = 0;
    }
    const std::vector<std::size_t> order = draw_order();
    do {
      for (const std::size_t i : order) go_on(i);
    } while (release());
  }

  std::vector<std::size_t> draw_order() {
    std::vector<std::size_t> order(threads_in_block_);
    std::iota(order.begin(), order.end(), std::size_t{0});
    switch (random_() % 3) {
      case 0:
        break;
      case 1:
        std::reverse(order.begin(), order.end());
        break;
      default:
        std::shuffle(order.begin(), order.end(), random_);
    }
    return order;
  }

  /// Runs a thread, if it is ready, to its next barrier or shuffle or to its end.
  void go_on(std::size_t number) {
    current_ = threads_[number].get();
    current_number_ = number;
    if (current_->state != State::ready) return;
    threadIdx = current_->index;
    current_->fiber.resume();
    if (current_->fiber.finished()) current_->state = State::finished;
  }

  /// When no thread is ready: lets those go on that have met. False at the end of the block.
  bool release() {
    bool released = false;
    for (std::size_t first = 0; first < threads_in_block_; first += kWarp) {
      const std::size_t lanes = std::min(kWarp, threads_in_block_ - first);
      const std::size_t met = count(first, lanes, State::in_shuffle);
      if (met == 0) continue;
      if (met != kWarp) stuck("a shuffle without all lanes of the warp");
      make_ready(first, kWarp);
      released = true;
    }
    if (released) return true;
    if (count(0, threads_in_block_, State::finished) == threads_in_block_) return false;
    if (count(0, threads_in_block_, State::at_barrier) != threads_in_block_)
      stuck("a barrier that not all threads of the block reach");
    make_ready(0, threads_in_block_);
    return true;
  }

  std::size_t count(std::size_t first, std::size_t threads, State state) const {
    std::size_t n = 0;
    for (std::size_t i = first; i < first + threads; ++i) n += threads_[i]->state == state ? 1 : 0;
    return n;
  }
  void make_ready(std::size_t first, std::size_t threads) {
    for (std::size_t i = first; i < first + threads; ++i) threads_[i]->state = State::ready;
  }
  [[noreturn]] static void stuck(const char* why) {
    fail("emulator: {}, in block ({}, {}, {})", why, blockIdx.x, blockIdx.y, blockIdx.z);
  }

  std::vector<std::unique_ptr<CudaThread>> threads_;  // kept from launch to launch, for their stacks
  std::size_t threads_in_block_ = 0;
  CudaThread* current_ = nullptr;
  std::size_t current_number_ = 0;
  std::mt19937 random_{1};
};

/// The one there is, as there is one threadIdx: barriers must find it.
Scheduler& scheduler() {
  static Scheduler instance;
  return instance;
}

}  // namespace

void run(const dim3& grid, const dim3& block, const std::function<void()>& body) {
  gridDim = grid;
  blockDim = block;
  std::exception_ptr failure;
  std::thread([&] {
    try {
      scheduler().run_grid(body);
    } catch (...) {
      failure = std::current_exception();
    }
  }).join();
  if (failure) std::rethrow_exception(failure);
}

void wait_for_block() { scheduler().stop_current(State::at_barrier); }

void exchange_in_warp(const void* mine, void* other, std::size_t bytes, unsigned distance) {
  scheduler().exchange(mine, other, bytes, distance);
}

}  // namespace tandem::emulator

cudaError_t cudaGetLastError() { return cudaSuccess; }
const char* cudaGetErrorName(cudaError_t status) {
  return status == cudaSuccess ? "cudaSuccess" : "cudaErrorInvalidValue";
}
const char* cudaGetErrorString(cudaError_t status) { return status == cudaSuccess ? "no error" : "invalid argument"; }
