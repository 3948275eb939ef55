#include "cuda/kernels/support/errors.h"

#include "core/base/error.h"
#include "cuda/kernels/elementwise.h"

namespace tandem::cuda::kernels {

void fail_launch(cudaError_t status) {
  (void)cudaGetLastError();  // the runtime remembers it, and would report it again to whoever asks next
  fail("cuda: a kernel could not be queued: {} ({})", cudaGetErrorString(status), cudaGetErrorName(status));
}

void fail_terms(unsigned long count) { fail("weighted_sum: {} terms, at most {}", count, kMostTerms); }

}  // namespace tandem::cuda::kernels
