#include "cuda/runtime/check.h"

#include <array>
#include <string>
#include <string_view>

#include "core/base/error.h"

namespace tandem::cuda {
namespace {

/// "cuda/runtime/stream.cpp:12": the path inside the repository.
std::string position(SourceLine where) {
  std::string_view file = where.file;
  const std::size_t folder = file.rfind("/cuda/");
  if (folder != std::string_view::npos) file.remove_prefix(folder + 1);
  return fmt::format("{}:{}", file, where.number);
}

}  // namespace

void check(cudaError_t status, SourceLine where) {
  if (status == cudaSuccess) return;
  (void)cudaGetLastError();  // clears the error, which the next check would report again
  fail("cuda: {} ({}) at {}", cudaGetErrorString(status), cudaGetErrorName(status), position(where));
}

void check(cudnnStatus_t status, SourceLine where) {
  if (status == CUDNN_STATUS_SUCCESS) return;
  fail("cudnn: {}: {} at {}", cudnnGetErrorString(status), last_cudnn_error(), position(where));
}

std::string last_cudnn_error() {
  std::array<char, 512> reason{};
  cudnnGetLastErrorString(reason.data(), reason.size());
  std::string text = reason.data();
  for (char& c : text)
    if (c == '\n' || c == '\t') c = ' ';
  return text;
}

void check(cublasStatus_t status, SourceLine where) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  fail("cublas: {} ({}) at {}", cublasLtGetStatusString(status), cublasLtGetStatusName(status), position(where));
}

}  // namespace tandem::cuda
