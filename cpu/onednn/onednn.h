#pragma once
// Convolutions and matrix products by oneDNN, version 2.6 or 3.x.
//
// Activations stay NHWC. Weights are stored (K, R, S, C) in f32; oneDNN wants them in blocks and in the activations'
// type, so each call reorders them (a few MB against a few GFLOP). Primitives are made once for each problem and kept.

#include <array>
#include <dnnl.hpp>
#include <map>
#include <memory>
#include <unordered_map>

#include "core/backend.h"

namespace tandem::cpu {

class OneDnn {
 public:
  /// Temporary memory (reordered weights, scratchpads) comes from `arena`.
  explicit OneDnn(std::shared_ptr<Arena> arena);

  void conv2d_forward(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w, Tensor& y);
  void conv2d_grad_input(const Conv2dGeometry& geometry, const Tensor& dy, const Tensor& w, Tensor& dx);
  void conv2d_grad_weight(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& dy, Tensor& dw);

  /// y (M, N) = a (M, K) b (K, N) [+ bias (N)], f32; a and b may be stored transposed. bias may be undefined.
  void matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, const Tensor& bias, Tensor& y);

  static std::string version();

 private:
  enum class Direction : std::int64_t { forward, grad_input, grad_weight };
  /// A convolution ready to run, and how its weights (or their gradient) go in and out of oneDNN's layout.
  struct Convolution {
    dnnl::primitive primitive;
    dnnl::memory::desc activation_in, activation_out, weights, scratchpad;
    dnnl::reorder reorder;  ///< empty where oneDNN takes the weights as they are
  };
  struct Product {
    dnnl::matmul primitive;
    dnnl::memory::desc a, b, bias, y, scratchpad;
  };
  using Key = std::array<std::int64_t, 12>;

  const Convolution& convolution(Direction direction, const Conv2dGeometry& geometry, const Tensor& x, const Shape& w,
                                 const Tensor& y);
  Convolution make_convolution(Direction direction, const Conv2dGeometry& geometry, const Tensor& x, const Shape& w,
                               const Tensor& y) const;
  Product make_product(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, bool bias,
                       const Tensor& y) const;
  dnnl::memory view(const dnnl::memory::desc& desc, const Tensor& tensor) const;
  Tensor temporary(const dnnl::memory::desc& desc) const;
  /// Runs it with a scratchpad from the arena, of undefined content unless `clear_scratchpad`.
  void run(const dnnl::primitive& primitive, std::unordered_map<int, dnnl::memory> arguments,
           const dnnl::memory::desc& scratchpad, bool clear_scratchpad = false);

  std::shared_ptr<Arena> arena_;
  mutable dnnl::engine engine_;
  mutable dnnl::stream stream_;
  std::map<Key, Convolution> convolutions_;
  std::map<Key, Product> products_;
};

}  // namespace tandem::cpu
