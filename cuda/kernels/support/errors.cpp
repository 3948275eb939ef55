#include "cuda/kernels/support/errors.h"

#include "core/base/error.h"
#include "cuda/kernels/elementwise.h"

namespace tandem::cuda::kernels {

void fail_launch(cudaError_t status) {
  (void)cudaGetLastError();  // clears the error, which the next check would report again
  fail("cuda: a kernel could not be queued: {} ({})", cudaGetErrorString(status), cudaGetErrorName(status));
}

void fail_terms(unsigned long count) { fail("weighted_sum: {} terms, at most {}", count, kMostTerms); }

}  // namespace tandem::cuda::kernels
