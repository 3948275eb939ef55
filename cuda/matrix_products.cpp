#include "cuda/matrix_products.h"

#include <algorithm>

#include "cuda/runtime/check.h"
#include "cuda/runtime/outside_capture.h"

namespace tandem::cuda {
namespace {

constexpr std::size_t kWorkspaceLimit = std::size_t{32} << 20;
constexpr std::size_t kMostProducts = 256;  // the most that are kept

/// The largest power of two, at most 256, that divides the address of every tensor.
std::int64_t common_alignment(std::initializer_list<const Tensor*> tensors) {
  std::uintptr_t bits = 256;
  for (const Tensor* tensor : tensors)
    if (tensor->defined()) bits |= reinterpret_cast<std::uintptr_t>(tensor->raw());
  return static_cast<std::int64_t>(bits & -bits);
}

template <class T>
void set(cublasLtMatmulDesc_t operation, cublasLtMatmulDescAttributes_t attribute, const T& value) {
  check(cublasLtMatmulDescSetAttribute(operation, attribute, &value, sizeof value));
}
template <class T>
void set(cublasLtMatmulPreference_t preference, cublasLtMatmulPreferenceAttributes_t attribute, const T& value) {
  check(cublasLtMatmulPreferenceSetAttribute(preference, attribute, &value, sizeof value));
}

void set_bias(cublasLtMatmulDesc_t operation, const Tensor& bias) {
  if (bias) set(operation, CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias.raw());
}

/// cuBLAS stores matrices by columns: it sees a row-major matrix as the transpose.
template <class Layout>
Layout layout_of(const Tensor& matrix) {
  Layout layout;
  check(cublasLtMatrixLayoutCreate(layout.receive(), CUDA_R_32F, static_cast<std::uint64_t>(matrix.dim(1)),
                                   static_cast<std::uint64_t>(matrix.dim(0)), matrix.dim(1)));
  return layout;
}

}  // namespace

MatrixProducts::MatrixProducts(const Stream& stream, std::shared_ptr<Arena> arena, bool tf32)
    : stream_(stream), arena_(std::move(arena)), tf32_(tf32) {
  check(cublasLtCreate(handle_.receive()));
}

// cuBLAS computes y' = b' a' by columns, so the factors change places.
MatrixProducts::Product MatrixProducts::make_product(const Tensor& a, bool transpose_a, const Tensor& b,
                                                     bool transpose_b, const Tensor& bias, const Tensor& y,
                                                     std::int64_t alignment) const {
  Product product{{}, layout_of<Layout>(b), layout_of<Layout>(a), layout_of<Layout>(y), {}, 0};
  check(cublasLtMatmulDescCreate(product.operation.receive(), tf32_ ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F,
                                 CUDA_R_32F));
  const auto transposition = [](bool transpose) { return transpose ? CUBLAS_OP_T : CUBLAS_OP_N; };
  set(product.operation.get(), CUBLASLT_MATMUL_DESC_TRANSA, transposition(transpose_b));
  set(product.operation.get(), CUBLASLT_MATMUL_DESC_TRANSB, transposition(transpose_a));
  if (bias) set(product.operation.get(), CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
  set_bias(product.operation.get(), bias);

  Handle<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy> preference;
  check(cublasLtMatmulPreferenceCreate(preference.receive()));
  set(preference.get(), CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, kWorkspaceLimit);
  for (const auto attribute : {CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                               CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES})
    set(preference.get(), attribute, static_cast<std::uint32_t>(alignment));
  cublasLtMatmulHeuristicResult_t best{};
  int found = 0;
  check(cublasLtMatmulAlgoGetHeuristic(handle_.get(), product.operation.get(), product.a.get(), product.b.get(),
                                       product.y.get(), product.y.get(), preference.get(), 1, &best, &found));
  require(found > 0, "matrix product: cuBLASLt has no algorithm for y {}, a {}, b {}", y.shape(), a.shape(), b.shape());
  product.algorithm = best.algo;
  product.workspace_bytes = best.workspaceSize;
  return product;
}

void MatrixProducts::multiply(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, const Tensor& bias,
                              Tensor& y) {
  require(a.dtype() == DType::f32 && b.dtype() == DType::f32 && y.dtype() == DType::f32,
          "matrix product: a {}, b {}, y {}, expected f32", a.dtype(), b.dtype(), y.dtype());
  if (y.size() == 0) return;
  const std::int64_t alignment = common_alignment({&a, &b, &y, &bias});
  const Key key{y.dim(0), y.dim(1), a.size() / y.dim(0), transpose_a, transpose_b, bias.defined(), alignment};
  auto found = products_.find(key);
  if (found == products_.end()) {
    const OutsideCapture outside;  // the search for an algorithm must not be captured
    if (products_.size() >= kMostProducts) products_.clear();
    found = products_.emplace(key, make_product(a, transpose_a, b, transpose_b, bias, y, alignment)).first;
  }
  const Product& product = found->second;
  set_bias(product.operation.get(), bias);
  Tensor workspace(arena_, {static_cast<std::int64_t>(product.workspace_bytes)}, DType::u8);
  const float one = 1, zero = 0;
  check(cublasLtMatmul(handle_.get(), product.operation.get(), &one, b.raw(), product.a.get(), a.raw(), product.b.get(),
                       &zero, y.raw(), product.y.get(), y.raw(), product.y.get(), &product.algorithm, workspace.raw(),
                       product.workspace_bytes, stream_.get()));
}

}  // namespace tandem::cuda
