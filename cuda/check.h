#pragma once
// Checked calls: check(cudaMalloc(&p, n)) throws Error with one line that says what the library answered, and where.

#include <cublasLt.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>

#include <source_location>

namespace tandem::cuda {

void check(cudaError_t status, std::source_location where = std::source_location::current());
void check(cudnnStatus_t status, std::source_location where = std::source_location::current());
void check(cublasStatus_t status, std::source_location where = std::source_location::current());

}  // namespace tandem::cuda
