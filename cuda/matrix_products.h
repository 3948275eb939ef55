#pragma once
// Products of f32 matrices by cuBLASLt.

#include <cublasLt.h>

#include <array>
#include <map>
#include <memory>

#include "core/tensor/tensor.h"
#include "cuda/runtime/handle.h"
#include "cuda/runtime/stream.h"

namespace tandem::cuda {

class MatrixProducts {
 public:
  /// Work is queued on `stream`, which must outlive this; workspaces come from `arena`. `tf32`: factors may be rounded
  /// to TF32.
  MatrixProducts(const Stream& stream, std::shared_ptr<Arena> arena, bool tf32);

  /// y (M, N) = a (M, K) b (K, N) [+ bias (N) to each row]; a and b may be stored transposed, bias undefined.
  void multiply(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, const Tensor& bias, Tensor& y);

 private:
  using Layout = Handle<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
  struct Product {
    Handle<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy> operation;
    Layout a, b, y;
    cublasLtMatmulAlgo_t algorithm;
    std::size_t workspace_bytes;
  };
  /// Sizes, what is transposed, whether there is a bias, and the alignment.
  using Key = std::array<std::int64_t, 7>;

  Product make_product(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, const Tensor& bias,
                       const Tensor& y, std::int64_t alignment) const;

  const Stream& stream_;
  std::shared_ptr<Arena> arena_;
  bool tf32_;
  Handle<cublasLtHandle_t, cublasLtDestroy> handle_;
  std::map<Key, Product> products_;
};

}  // namespace tandem::cuda
