#pragma once
// The backend interface: what a device must be able to do for Tandem to train on it.
//
// Shapes use the letters of core/tensor/shape.h. T is the activation type (f32, bf16, f16 or f64); "real" is
// param_dtype(T): f32, or f64 when T is f64. Parameters, statistics, gradients of parameters, heads and losses are
// real.
//
// Every output arrives allocated with the shape and type stated; the ops in core/ops check and allocate, so a backend
// need not check again. A kernel overwrites its outputs unless its comment says that it accumulates, and outputs must
// not share memory with inputs or each other unless it says that they may. Calls on one backend are queued in order;
// synchronize() waits for them. A backend that has no kernel for some type throws; nothing falls back silently.
//
// A training step can be captured and replayed: then the host takes no part in it, so whatever changes from step to
// step is an input in the device's memory, and only empty() and the kernels from copy() on are called within it.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/backend/autotune_cache.h"
#include "core/tensor/device.h"
#include "core/tensor/tensor.h"

namespace tandem {

/// How often a window fits into `length` elements with `padding` more at each end: the output's length, 0 if never.
inline std::int64_t count_windows(std::int64_t length, std::int64_t window, std::int64_t stride, std::int64_t padding) {
  const std::int64_t room = length + 2 * padding - window;
  return room < 0 ? 0 : room / stride + 1;
}

struct Conv2dGeometry {
  std::int64_t stride = 1;
  std::int64_t padding = 0;

  /// Output length for an input of `length` and a window of `window`.
  std::int64_t output(std::int64_t length, std::int64_t window) const {
    return count_windows(length, window, stride, padding);
  }
  bool operator==(const Conv2dGeometry&) const = default;
};

struct Pool2dGeometry {
  std::int64_t window = 2;
  std::int64_t stride = 2;
  std::int64_t padding = 0;

  std::int64_t output(std::int64_t length) const { return count_windows(length, window, stride, padding); }
};

struct BatchNormOptions {
  std::int64_t groups = 1;  ///< G: the batch is G equal parts, each with statistics of its own
  double eps = 1e-5;
  double momentum = 0.1;  ///< running = (1 - momentum) * running + momentum * batch's
  bool relu = false;      ///< y = max(0, .) at the end
};

/// What batch_norm_forward_train leaves for the gradient.
struct BatchNormSaved {
  Tensor mean;     ///< (G, C) real
  Tensor inv_std;  ///< (G, C) real: 1 / sqrt(biased variance + eps)
  Tensor mask;     ///< (M, ceil(C / 8)) u8, bit c % 8 of byte c / 8 set where y > 0; undefined without relu
};

enum class ContrastiveForm {
  hadsell,  ///< max(margin - d, 0)^2
  legacy    ///< max(margin - d^2, 0)
};

struct ContrastiveOptions {
  double margin = 1.0;
  ContrastiveForm form = ContrastiveForm::hadsell;
};

/// What an update reads on the device.
struct UpdateInputs {
  Tensor scalars;        ///< (3) real: learning rate, 1 / (1 - beta1^t), 1 / (1 - beta2^t); SGD reads the first alone
  Tensor gradient_norm;  ///< (1) real: if it is not finite, nothing is updated; undefined: always update
  Tensor loss_scale;     ///< (2) real: gradients are divided by its first element; undefined: they are not
};

struct SgdOptions {
  double momentum = 0.0;
  bool nesterov = false;
  double weight_decay = 0.0;
};

/// One parameter of an update: weight, its gradient and its velocity, all real and of one size.
struct SgdParameter {
  Tensor weight;
  Tensor gradient;
  Tensor velocity;
  bool decay = true;  ///< whether weight decay applies to it
};

struct AdamOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.0;
  bool decoupled = false;  ///< AdamW: the decay does not pass through the moments
};

/// The same for Adam: first and second are the moving averages of the gradient and of its square.
struct AdamParameter {
  Tensor weight;
  Tensor gradient;
  Tensor first;
  Tensor second;
  bool decay = true;
};

struct LossScaleOptions {
  double growth = 2.0;   ///< the factor after `interval` steps whose gradients were all finite
  double backoff = 0.5;  ///< the factor after one whose were not
  int interval = 2000;
};

/// Kernels that were recorded once, to be run again on the same tensors.
///
/// It keeps the memory that its kernels used from all others; the tensors that existed before capture() are shared with
/// the rest of the program, and must live as long as it does.
class CapturedStep {
 public:
  virtual ~CapturedStep() = default;
  CapturedStep() = default;
  CapturedStep(const CapturedStep&) = delete;
  CapturedStep& operator=(const CapturedStep&) = delete;
  /// Queues them all.
  virtual void replay() = 0;
};

/// Brings batches to the device while it computes.
class Uploader {
 public:
  virtual ~Uploader() = default;
  Uploader() = default;
  Uploader(const Uploader&) = delete;
  Uploader& operator=(const Uploader&) = delete;
  /// Starts copying `bytes` bytes from host memory, which may be reused as soon as this returns. Waits while the two
  /// batches before it are still on their way. Error for more than the uploader was made for, or for a third batch
  /// begun and not finished.
  virtual void begin(const void* from, std::size_t bytes) = 0;
  /// Queues that `to`, of as many bytes, holds the oldest batch begun and not yet finished. Error if there is none.
  virtual void finish(Tensor& to) = 0;
};

/// Brings a few figures to the host without making the device wait.
class Downloader {
 public:
  virtual ~Downloader() = default;
  Downloader() = default;
  Downloader(const Downloader&) = delete;
  Downloader& operator=(const Downloader&) = delete;
  /// Queues a copy of a real tensor as the kernels called so far leave it. Error if the downloader was made for less.
  virtual void begin(const Tensor& from) = 0;
  /// Waits for the copies begun since the last call, and returns their elements in the order of the calls.
  virtual std::vector<double> finish() = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;
  Backend() = default;
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;

  virtual Device device() const = 0;
  /// One line for the log: processor, instruction set, libraries.
  virtual std::string description() const = 0;
  virtual bool supports(DType activation) const = 0;
  /// The ways to compute that were chosen by measuring, so far: another choice rounds differently. Empty where nothing
  /// is measured.
  virtual AutotuneChoices autotune_choices() const { return {}; }
  /// Computes from here on in the ways that a process before this one chose, where it measures at all.
  virtual void adopt(const AutotuneChoices& /*choices*/) {}
  virtual void synchronize() = 0;

  // Memory. -----------------------------------------------------------------------------------------------------------

  virtual Tensor empty(const Shape& shape, DType dtype) = 0;
  virtual MemoryStats memory() const = 0;
  /// Copies to.bytes() bytes from host memory, which may be reused as soon as this returns.
  virtual void copy_from_host(const void* from, Tensor& to) = 0;
  /// Copies from.bytes() bytes to host memory, and waits.
  virtual void copy_to_host(const Tensor& from, void* to) = 0;
  /// For batches of up to `bytes` bytes.
  virtual std::unique_ptr<Uploader> make_uploader(std::size_t bytes) = 0;
  /// For up to `elements` elements between one finish() and the next.
  virtual std::unique_ptr<Downloader> make_downloader(std::size_t elements) = 0;
  /// Records the kernels that `body` calls, without running them. Null, body not called, where the device cannot: then
  /// call body each time. Before, run the body as often as it takes to have its memory and its kernels chosen: twice.
  virtual std::unique_ptr<CapturedStep> capture(const std::function<void()>& body) = 0;

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
  /// y = x * factor[0], factor (1) of x's type. y may be x.
  virtual void scale(const Tensor& x, const Tensor& factor, Tensor& y) = 0;
  /// out (1) = sum over i of weights[i] * terms[i], every term (1) real, weights (n) real.
  virtual void weighted_sum(const std::vector<Tensor>& terms, const Tensor& weights, Tensor& out) = 0;
  /// pixels (N, H, W, 3) u8 to y (N, H, W, 3) T: (pixel / 255 - mean[c]) / std[c], ImageNet's mean and deviation.
  virtual void normalize_images(const Tensor& pixels, Tensor& y) = 0;

  // Convolution: x (N, H, W, C) T, w (K, R, S, C) real, y (N, H', W', K) T. ------------------------------------------

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
  /// batch's mean and its unbiased variance. residual may be undefined. y may be residual.
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
  /// dx or dresidual may be dy.
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

  // Losses. -----------------------------------------------------------------------------------------------------------

  /// logits (N, K) real, labels (N) i32 in [0, K). With target q = (1 - smoothing) * onehot(label) + smoothing / K:
  ///   loss (1) = -1/N sum_n sum_k q log softmax(logits)_k,   dlogits (N, K) = (softmax(logits) - q) / N
  virtual void softmax_cross_entropy(const Tensor& logits, const Tensor& labels, double smoothing, Tensor& loss,
                                     Tensor& dlogits) = 0;
  /// a, b (P, D) real; labels_a, labels_b (P) i32; distance (P) real = |a - b|. With y = (labels equal):
  ///   hadsell: loss (1) = 1/(2P) sum [ y d^2 + (1 - y) max(margin - d, 0)^2 ]    (Hadsell, Chopra, LeCun 2006)
  ///   legacy:  loss (1) = 1/(2P) sum [ y d^2 + (1 - y) max(margin - d^2, 0) ]    (Caffe's legacy_version)
  virtual void contrastive_forward(const ContrastiveOptions& options, const Tensor& a, const Tensor& b,
                                   const Tensor& labels_a, const Tensor& labels_b, Tensor& distance, Tensor& loss) = 0;
  /// da = dloss[0] * the loss's gradient, db = -da. For different labels within the margin:
  ///   hadsell: -(margin - d) / (P (d + 1e-4)) * (a - b)  (1e-4 guards d = 0, as Caffe does);   legacy: -(a - b) / P
  virtual void contrastive_backward(const ContrastiveOptions& options, const Tensor& a, const Tensor& b,
                                    const Tensor& labels_a, const Tensor& labels_b, const Tensor& distance,
                                    const Tensor& dloss, Tensor& da, Tensor& db) = 0;

  // Optimizer. --------------------------------------------------------------------------------------------------------

  /// For every parameter, lr = scalars[0]: g = gradient / loss_scale[0] + weight_decay * w (where it decays);
  /// v = momentum * v + g;  w = w - lr * (nesterov ? g + momentum * v : v).   (PyTorch's SGD; Sutskever et al. 2013.)
  virtual void sgd_update(const SgdOptions& options, const UpdateInputs& inputs,
                          std::vector<SgdParameter>& parameters) = 0;
  /// For every parameter, with lr, c1, c2 = scalars: g = gradient / loss_scale[0]; where it decays, decoupled:
  /// w = w - lr * weight_decay * w, otherwise: g = g + weight_decay * w;  first = beta1 * first + (1 - beta1) * g;
  /// second = beta2 * second + (1 - beta2) * g^2;  w = w - lr * c1 * first / (sqrt(c2 * second) + eps).
  /// (PyTorch's Adam and AdamW; Kingma and Ba 2015, Loshchilov and Hutter 2019.)
  virtual void adam_update(const AdamOptions& options, const UpdateInputs& inputs,
                           std::vector<AdamParameter>& parameters) = 0;
  /// norm (1) real = the square root of the sum of all elements' squares, gradients real; not finite if an element is
  /// not.
  virtual void gradient_norm(const std::vector<Tensor>& gradients, Tensor& norm) = 0;
  /// loss_scale (2) real: the scale, and for how many steps it has been that. Norm finite: count = count + 1, and at
  /// `interval` scale = scale * growth, count = 0. Otherwise scale = max(1, scale * backoff), count = 0.
  virtual void update_loss_scale(const LossScaleOptions& options, const Tensor& gradient_norm, Tensor& loss_scale) = 0;
};

struct CpuOptions {
  std::optional<int> threads = std::nullopt;  ///< that compute; absent: compute_threads() of core/base/processors.h
  bool autotune = false;  ///< compute each convolution in the way that proves fastest when it is first met
};
/// The CPU.
std::shared_ptr<Backend> make_cpu_backend(const CpuOptions& options = {});
/// The plain, readable CPU kernels that every other kernel is compared with; f32 and f64.
std::shared_ptr<Backend> make_reference_backend();
struct CudaOptions {
  int index = 0;              ///< which device
  bool tf32 = false;          ///< products of f32 tensors round their factors to TF32; otherwise they are f32's
  bool deterministic = true;  ///< the same inputs give the same bits
};
/// A CUDA device, for activations of type f32, bf16 and f16. InputError where there is none, or where Tandem was built
/// without CUDA.
std::shared_ptr<Backend> make_cuda_backend(const CudaOptions& options = {});
/// How many CUDA devices there are: 0 in a build without CUDA.
int cuda_device_count();

}  // namespace tandem
