#include "core/base/thread_pool.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <functional>
#include <future>
#include <stdexcept>
#include <string>
#include <thread>

#include "core/base/error.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized = __has_feature(address_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

/// The exit status of a child process that calls `body` where the stacks of a few threads fit, and no more; -1 if a
/// signal ended it.
int status_with_few_threads(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm") >> pages;
    const rlim_t limit = pages * static_cast<std::size_t>(sysconf(_SC_PAGESIZE)) + (64U << 20U);
    const rlimit space{limit, limit}, cores{0, 0};
    setrlimit(RLIMIT_CORE, &cores);
    setrlimit(RLIMIT_AS, &space);
    _exit(body());
  }
  int ended = 0;
  waitpid(child, &ended, 0);
  return WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
}

}  // namespace

TEST_CASE("A pool of one worker runs tasks in the order they came") {
  std::vector<int> order;
  std::promise<void> done;
  ThreadPool pool(1);
  CHECK(pool.size() == 1);
  for (int i = 0; i < 100; ++i)
    pool.submit([&, i] {
      order.push_back(i);
      if (i == 99) done.set_value();
    });
  done.get_future().wait();
  REQUIRE(order.size() == 100);
  for (int i = 0; i < 100; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE("Background workers give way to the thread that starts them, whatever its priority is") {
  std::thread([] {  // A priority belongs to a thread, which cannot take a lower one back.
    for (int step = 0; step < 2; ++step) {
      const int own = getpriority(PRIO_PROCESS, 0);
      std::promise<int> background, plain;
      {
        ThreadPool low(1, true), same(1);
        low.submit([&] { background.set_value(getpriority(PRIO_PROCESS, 0)); });
        same.submit([&] { plain.set_value(getpriority(PRIO_PROCESS, 0)); });
        CHECK(background.get_future().get() == std::min(own + 5, 19));
        CHECK(plain.get_future().get() == own);
      }
      REQUIRE(setpriority(PRIO_PROCESS, 0, std::min(own + 3, 19)) == 0);
    }
  })
      .join();
}

TEST_CASE("The workers of a pool run at the same time") {
  // Each task waits for the other: with fewer than two workers at a time this would never end.
  std::promise<void> first, second, done;
  ThreadPool pool(2, true);
  pool.submit([&] {
    first.set_value();
    second.get_future().wait();
    done.set_value();
  });
  pool.submit([&] {
    first.get_future().wait();
    second.set_value();
  });
  CHECK(done.get_future().wait_for(std::chrono::seconds(30)) == std::future_status::ready);
}

TEST_CASE("A pool that is destroyed finishes running tasks and drops waiting ones") {
  std::promise<void> begun;
  std::atomic<bool> finished = false, dropped = true;
  {
    ThreadPool pool(1);
    pool.submit([&] {
      begun.set_value();
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      finished = true;
    });
    begun.get_future().wait();
    pool.submit([&] { dropped = false; });
  }
  CHECK(finished);
  CHECK(dropped);
}

TEST_CASE("Parallel for each visits every index once") {
  for (const unsigned threads : {0U, 1U, 3U, 8U})
    for (const std::size_t n : {0UL, 1UL, 2UL, 1000UL}) {
      std::vector<std::atomic<int>> visits(n);
      parallel_for_each(n, threads, [&](std::size_t i) { ++visits[i]; });
      for (const auto& count : visits) REQUIRE(count == 1);
    }
}

TEST_CASE("Parallel for each passes on an exception and stops") {
  for (const unsigned threads : {1U, 4U}) {
    std::atomic<int> calls = 0;
    const auto run = [&] {
      parallel_for_each(1'000'000, threads, [&](std::size_t i) {
        ++calls;
        if (i == 10) throw InputError("ten");
      });
    };
    CHECK_THROWS_AS(run(), InputError);
    CHECK(calls < 1'000'000);
  }
}

TEST_CASE("A pool whose threads cannot all be started is an error") {
  if (kSanitized) TANDEM_SKIP("AddressSanitizer cannot do with so little memory");
  CHECK(status_with_few_threads([] {
          try {
            const ThreadPool pool(256);
          } catch (const Error& e) {
            return std::string(e.what()).starts_with("cannot start 256 threads: ") ? 7 : 8;
          }
          return 9;
        }) == 7);
}

TEST_CASE("Parallel for each goes on with the threads that can be started") {
  if (kSanitized) TANDEM_SKIP("AddressSanitizer cannot do with so little memory");
  CHECK(status_with_few_threads([] {
          std::atomic<int> calls = 0;
          parallel_for_each(1000, 256, [&](std::size_t) { ++calls; });
          return calls == 1000 ? 7 : 8;
        }) == 7);
}

}  // namespace tandem
