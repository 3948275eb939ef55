#include "inference/out_of_memory.h"

#include <new>

namespace tandem {
namespace {

bool fits(int size, const std::function<void(int)>& attempt) {
  try {
    attempt(size);
    return true;
  } catch (const OutOfMemory&) {
    return false;
  } catch (const std::bad_alloc&) {  // The host's memory is short, too.
    return false;
  }
}

}  // namespace

void fail_with_a_batch_that_fits(const OutOfMemory& error, const std::string& option, int batch,
                                 const std::function<void(int)>& attempt) {
  for (int size = batch / 2; size > 0; size /= 2)
    if (fits(size, attempt)) fail("{}; {}{} fits", error.what(), option, size);
  fail("{}; not even {}1 fits", error.what(), option);
}

}  // namespace tandem
