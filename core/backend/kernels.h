#pragma once
// What a device must be able to compute for Tandem to train on it.
//
// Shapes use the letters of core/tensor/shape.h. T is the activation type (f32, bf16, f16 or f64); "real" is
// param_dtype(T): f32, or f64 when T is f64. Parameters, statistics, gradients of parameters, heads and losses are
// real.
//
// Every output arrives allocated with the shape and type stated. The ops in core/ops check and allocate, so a kernel
// need not check again. A kernel overwrites its outputs unless its comment says that it accumulates. Outputs must not
// share memory with inputs or with each other unless the comment allows it. Calls on one device are queued in order;
// Runtime::synchronize() waits for them. A device that has no kernel for a type throws; nothing falls back silently.
//
// A training step can be captured and replayed. The host takes no part in a replay, so whatever changes from step to
// step is an input in the device's memory, and a captured step calls only kernels and Runtime::empty().

#include <vector>

#include "core/backend/kernel_options.h"
#include "core/tensor/tensor.h"

namespace tandem {

class Kernels {
 public:
  virtual ~Kernels() = default;
  Kernels() = default;
  Kernels(const Kernels&) = delete;
  Kernels& operator=(const Kernels&) = delete;

  virtual void copy(const Tensor& from, Tensor& to) = 0;
  /// Sets every element of an f32 or f64 tensor, or clears a tensor of any type when value is 0.
  virtual void fill(Tensor& x, double value) = 0;

  // Elementwise. ------------------------------------------------------------------------------------------------------

  /// Converts between f32, bf16, f16 and f64.
  virtual void cast(const Tensor& from, Tensor& to) = 0;
  /// y = a + b. y may be a or b.
  virtual void add(const Tensor& a, const Tensor& b, Tensor& y) = 0;
  /// y = max(x, 0). y may be x.
  virtual void relu_forward(const Tensor& x, Tensor& y) = 0;
  /// dx = y > 0 ? dy : 0, y being relu_forward's output. dx may be dy.
  virtual void relu_backward(const Tensor& y, const Tensor& dy, Tensor& dx) = 0;
  /// out (1) = sum over i of weights[i] * terms[i], every term (1) real, weights (n) real.
  virtual void weighted_sum(const std::vector<Tensor>& terms, const Tensor& weights, Tensor& out) = 0;
  /// pixels (N, H, W, 3) u8 to y (N, H, W, 3) T: (pixel / 255 - mean[c]) / std[c], ImageNet's mean and deviation.
  virtual void normalize_images(const Tensor& pixels, Tensor& y) = 0;

  // Arithmetic on real tensors: what losses, and optimizers that are not fused, are composed of.
  // -------------------------
  //
  // Sums are taken in a fixed order, those of f32 in f64.

  /// y = op(x). y may be x.
  virtual void unary(UnaryOp op, const Tensor& x, Tensor& y) = 0;
  /// y = factor * x + shift. y may be x.
  virtual void affine(double factor, double shift, const Tensor& x, Tensor& y) = 0;
  /// y = op(a, b), a and b repeated as core/tensor/broadcast.h says. y may be a or b if that one has y's shape.
  virtual void binary(BinaryOp op, const Tensor& a, const Tensor& b, Tensor& y) = 0;
  /// x of one or two dimensions to y, of the shape that Over says.
  virtual void reduce(ReduceOp op, Over over, const Tensor& x, Tensor& y) = 0;
  /// y (M, N) = a (M, K) b (K, N). With transpose_a, a is stored as (K, M); with transpose_b, b as (N, K).
  virtual void matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, Tensor& y) = 0;
  /// y (n, C): row i is row index[i] of x (R, C); index (n) i32 in [0, R).
  virtual void gather_rows(const Tensor& x, const Tensor& index, Tensor& y) = 0;
  /// y (R, C): row r is the sum of the rows i of x (n, C) with index[i] = r, in the order of i; 0 if there is none.
  virtual void scatter_add_rows(const Tensor& x, const Tensor& index, Tensor& y) = 0;

  // Convolution: x (N, H, W, C) T, w (K, R, S, C / G) real, y (N, H', W', K) T; G, of the geometry, divides K and C.
  // ---

  virtual void conv2d_forward(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w, Tensor& y) = 0;
  virtual void conv2d_grad_input(const Conv2dGeometry& geometry, const Tensor& dy, const Tensor& w, Tensor& dx) = 0;
  virtual void conv2d_grad_weight(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& dy, Tensor& dw) = 0;

  /// y = [relu]( convolution(x, w) + b [+ residual] ), b (K) real; residual, of y's shape, may be undefined. y may be
  /// residual. What is left of a convolution and its batch norm with fixed statistics, once folded.
  virtual void conv2d_inference(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w, const Tensor& b,
                                const Tensor& residual, bool relu, Tensor& y) = 0;
  /// Folds a batch norm with running statistics into the convolution before it: with s = gamma / sqrt(running_var +
  /// eps), (K) each, folded_w = s * w and folded_b = beta - s * running_mean.
  virtual void fold_batch_norm(double eps, const Tensor& w, const Tensor& gamma, const Tensor& beta,
                               const Tensor& running_mean, const Tensor& running_var, Tensor& folded_w,
                               Tensor& folded_b) = 0;

  // Linear: x (N, C), w (K, C), b (K), y (N, K), all real. y = x w' + b. -------------------------------------------

  virtual void linear_forward(const Tensor& x, const Tensor& w, const Tensor& b, Tensor& y) = 0;
  virtual void linear_grad_input(const Tensor& dy, const Tensor& w, Tensor& dx) = 0;
  virtual void linear_grad_weight(const Tensor& x, const Tensor& dy, Tensor& dw, Tensor& db) = 0;

  // Batch normalisation over the rows of x (N, H, W, C) T; Ioffe and Szegedy 2015. ------------------------------------

  /// y = [relu]( gamma * (x - mean) / sqrt(var + eps) + beta [+ residual] ), mean and biased variance per group and
  /// channel over the group's M / G rows. Updates running_mean and running_var (C) real, group after group, with the
  /// batch's mean and its unbiased variance. residual may be undefined. y may be residual. With fixed_statistics mean
  /// and var are the running ones, which do not change.
  virtual void batch_norm_forward_train(const BatchNormOptions& options, const Tensor& x, const Tensor& residual,
                                        const Tensor& gamma, const Tensor& beta, Tensor& running_mean,
                                        Tensor& running_var, Tensor& y, BatchNormSaved& saved) = 0;
  /// The same with running_mean and running_var in the batch statistics' place.
  virtual void batch_norm_forward_eval(const BatchNormOptions& options, const Tensor& x, const Tensor& residual,
                                       const Tensor& gamma, const Tensor& beta, const Tensor& running_mean,
                                       const Tensor& running_var, Tensor& y) = 0;
  /// Gradients of batch_norm_forward_train: dx, dgamma, dbeta, and dresidual (dy where the mask is set) unless it is
  /// undefined. With n rows a group, dy' the masked dy, x^ the normalised x:
  ///   dbeta = sum dy',  dgamma = sum dy' x^,  dx = gamma * inv_std * (dy' - sum_g dy' / n - x^ * sum_g (dy' x^) / n)
  /// With fixed_statistics dx = gamma * inv_std * dy'. dx or dresidual may be dy.
  virtual void batch_norm_backward(const BatchNormOptions& options, const Tensor& dy, const Tensor& x,
                                   const Tensor& gamma, const BatchNormSaved& saved, Tensor& dx, Tensor& dresidual,
                                   Tensor& dgamma, Tensor& dbeta) = 0;

  // Pooling. ----------------------------------------------------------------------------------------------------------

  /// x (N, H, W, C) T to y (N, H', W', C) T; padding counts as minus infinity. argmax (N, H', W', C) u8 is the position
  /// of the maximum in its window, row by row; the first one where several are equal.
  virtual void max_pool_forward(const Pool2dGeometry& geometry, const Tensor& x, Tensor& y, Tensor& argmax) = 0;
  virtual void max_pool_backward(const Pool2dGeometry& geometry, const Tensor& dy, const Tensor& argmax,
                                 Tensor& dx) = 0;
  /// x (N, H, W, C) T to its mean over H and W, y (N, C) real.
  virtual void average_pool_forward(const Tensor& x, Tensor& y) = 0;
  /// dy (N, C) real to dx (N, H, W, C) T.
  virtual void average_pool_backward(const Tensor& dy, Tensor& dx) = 0;
  /// x (N, H, W, C) T to the means of its squares of `side` pixels, y (N, ceil(H / side), ceil(W / side), C) T. The
  /// squares lie side by side; those at the bottom and at the right have what is left, and are means of that.
  virtual void average_squares_forward(std::int64_t side, const Tensor& x, Tensor& y) = 0;
  /// dy of y's shape to dx of x's.
  virtual void average_squares_backward(std::int64_t side, const Tensor& dy, Tensor& dx) = 0;

  // Fused losses. Others are composed in core/ops and layers/.
  // -----------------------------------------------------------------------------------------------------------

  /// logits (N, K) real, labels (N) i32 in [0, K). With target q = (1 - smoothing) * onehot(label) + smoothing / K:
  ///   loss (1) = -1/N sum_n sum_k q log softmax(logits)_k,   dlogits (N, K) = (softmax(logits) - q) / N
  virtual void softmax_cross_entropy(const Tensor& logits, const Tensor& labels, double smoothing, Tensor& loss,
                                     Tensor& dlogits) = 0;

  // Optimizer. --------------------------------------------------------------------------------------------------------

  /// Changes the weight and the state of every parameter by the rule, unless the gradient's norm is not finite.
  virtual void optimizer_update(const UpdateRule& rule, const UpdateInputs& inputs,
                                std::vector<ParameterUpdate>& parameters) = 0;
  /// norm (1) real = the square root of the sum of all elements' squares, gradients real; not finite if an element is
  /// not.
  virtual void gradient_norm(const std::vector<Tensor>& gradients, Tensor& norm) = 0;
  /// loss_scale (2) real: the scale, and for how many steps it has been that. Norm finite: count = count + 1, and at
  /// `interval` scale = scale * growth, count = 0. Otherwise scale = max(1, scale * backoff), count = 0.
  virtual void update_loss_scale(const LossScaleOptions& options, const Tensor& gradient_norm, Tensor& loss_scale) = 0;
};

}  // namespace tandem
