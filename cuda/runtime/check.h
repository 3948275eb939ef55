#pragma once
// Checked calls: check(cudaMalloc(&p, n)) throws Error with one line that says what the library answered, and where.

#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>

#include <string>

namespace tandem::cuda {

/// A line of source code. (clang 14 lacks std::source_location.)
struct SourceLine {
  const char* file;
  int number;
  /// The line that calls it, also through a default argument.
  static constexpr SourceLine here(const char* file = __builtin_FILE(), int number = __builtin_LINE()) {
    return {file, number};
  }
};

void check(cudaError_t status, SourceLine where = SourceLine::here());
void check(cudnnStatus_t status, SourceLine where = SourceLine::here());
void check(cublasStatus_t status, SourceLine where = SourceLine::here());

/// cuDNN's message about its last error, on one line.
std::string last_cudnn_error();

}  // namespace tandem::cuda
