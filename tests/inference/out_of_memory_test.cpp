#include "inference/out_of_memory.h"

#include <new>
#include <vector>

#include "tests/support/catch.h"

namespace tandem {
namespace {

constexpr std::size_t kMiB = 1 << 20;

/// The message when batches of up to `limit` fit, and what was tried.
std::string message_for(int batch, int limit, std::vector<int>& tried) {
  try {
    fail_with_a_batch_that_fits({300 * kMiB, 7000 * kMiB, 200 * kMiB}, "--batch ", batch, [&](int size) {
      tried.push_back(size);
      if (size > limit) throw OutOfMemory(0, 0, 0);
    });
  } catch (const InputError&) {
    return "an input error";
  } catch (const Error& e) {
    return e.what();
  }
}

TEST_CASE("out of memory names the largest half, quarter, ... of the batch that fits") {
  const std::string figures = "out of memory: 300 MiB asked for, 7000 MiB held, 200 MiB free; ";
  std::vector<int> tried;
  CHECK(message_for(100, 30, tried) == figures + "--batch 25 fits");
  CHECK(tried == std::vector<int>{50, 25});
  tried.clear();
  CHECK(message_for(8, 1, tried) == figures + "--batch 1 fits");
  CHECK(tried == std::vector<int>{4, 2, 1});
  CHECK(message_for(8, 0, tried) == figures + "not even --batch 1 fits");
  CHECK(message_for(1, 1, tried) == figures + "not even --batch 1 fits");
}

TEST_CASE("a batch for which the host has no memory does not fit") {
  const auto attempt = [](int size) {
    if (size > 2) throw std::bad_alloc();
  };
  CHECK_THROWS_WITH(fail_with_a_batch_that_fits({0, 0, 0}, "--batch ", 8, attempt),
                    "out of memory: 0 MiB asked for, 0 MiB held, 0 MiB free; --batch 2 fits");
}

TEST_CASE("another failure while batches are tried is passed on") {
  CHECK_THROWS_WITH(fail_with_a_batch_that_fits({0, 0, 0}, "", 8, [](int) { fail("something else"); }),
                    "something else");
}

}  // namespace
}  // namespace tandem
