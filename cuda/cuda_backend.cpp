#include "cuda/cuda_backend.h"

#include "core/tensor/broadcast.h"
#include "cuda/kernels/arithmetic.h"
#include "cuda/kernels/batch_norm.h"
#include "cuda/kernels/convolution.h"
#include "cuda/kernels/elementwise.h"
#include "cuda/kernels/losses.h"
#include "cuda/kernels/optimizer.h"
#include "cuda/kernels/pooling.h"
#include "cuda/kernels/support/elements.h"
#include "cuda/runtime/check.h"
#include "cuda/runtime/device_memory.h"
#include "cuda/runtime/profiler_range.h"
#include "cuda/runtime/transfer.h"

namespace tandem {

std::shared_ptr<Backend> make_cuda_backend(const CudaOptions& options) {
  return std::make_shared<cuda::CudaBackend>(options);
}

namespace cuda {
namespace {

const void* raw_or_null(const Tensor& tensor) { return tensor ? tensor.raw() : nullptr; }
void* raw_or_null(Tensor& tensor) { return tensor ? tensor.raw() : nullptr; }
const float* real_or_null(const Tensor& tensor) { return tensor ? tensor.data<float>() : nullptr; }

/// N*H*W.
std::int64_t rows_of(const Tensor& x) { return x.dim(0) * x.dim(1) * x.dim(2); }

kernels::BatchNormShape shape_of(const BatchNormOptions& options, const Tensor& x) {
  return {rows_of(x), x.dim(3), options.groups};
}

kernels::MaxPoolShape shape_of(const Pool2dGeometry& geometry, const Shape& x, const Shape& y) {
  return {x[0],
          x[1],
          x[2],
          x[3],
          y[1],
          y[2],
          static_cast<int>(geometry.window),
          static_cast<int>(geometry.stride),
          static_cast<int>(geometry.padding)};
}

kernels::SquaresShape squares_of(std::int64_t side, const Shape& x) {
  return {x[0], x[1], x[2], x[3], static_cast<int>(side)};
}

kernels::UpdateScalars scalars_of(const UpdateInputs& inputs) {
  return {inputs.scalars.data<float>(),        real_or_null(inputs.gradient_norm),
          real_or_null(inputs.loss_scale),     static_cast<float>(inputs.clip.norm),
          static_cast<float>(inputs.clip.eps), static_cast<float>(inputs.clip.value)};
}

std::vector<kernels::UpdateTensor> tensors_of(std::vector<ParameterUpdate>& parameters, double weight_decay) {
  std::vector<kernels::UpdateTensor> tensors;
  tensors.reserve(parameters.size());
  for (ParameterUpdate& p : parameters)
    tensors.push_back({p.weight.data<float>(), p.gradient.data<float>(), p.state[0].data<float>(),
                       p.state[1] ? p.state[1].data<float>() : nullptr, p.weight.size(),
                       static_cast<float>(weight_decay * p.decay), static_cast<float>(p.lr)});
  return tensors;
}

kernels::Unary map_of(UnaryOp op) {
  switch (op) {
    case UnaryOp::exp:
      return kernels::Unary::exp;
    case UnaryOp::log:
      return kernels::Unary::log;
    case UnaryOp::sqrt:
      return kernels::Unary::sqrt;
    case UnaryOp::is_finite:
      return kernels::Unary::is_finite;
  }
  fail("unary: op {}", static_cast<int>(op));
}

kernels::Binary map_of(BinaryOp op) {
  switch (op) {
    case BinaryOp::add:
      return kernels::Binary::add;
    case BinaryOp::subtract:
      return kernels::Binary::subtract;
    case BinaryOp::multiply:
      return kernels::Binary::multiply;
    case BinaryOp::divide:
      return kernels::Binary::divide;
    case BinaryOp::equal:
      return kernels::Binary::equal;
    case BinaryOp::gate:
      return kernels::Binary::gate;
  }
  fail("binary: op {}", static_cast<int>(op));
}

/// A call of a kernel: a range for the profiler, and a scope for the observer.
struct Call {
  ProfilerRange range;
  KernelScope scope;

  template <class Describe>
  Call(Observable& device, const char* kernel, const Describe& describe)
      : range(kernel), scope(device, kernel, describe) {}
};

int driver_version() {
  int version = 0;
  check(cudaDriverGetVersion(&version));
  return version;
}

}  // namespace

CudaBackend::CudaBackend(const CudaOptions& options)
    : properties_(open_device(options.index)),
      options_(options),
      arena_(std::make_shared<Arena>(std::make_unique<DeviceSegments>(options.index))),
      queue_{stream_.get(), properties_.multiprocessors},
      convolutions_(stream_, queue_, arena_, properties_.name, {options.tf32, options.deterministic}),
      products_(stream_, arena_, options.tf32) {}

CudaBackend::~CudaBackend() { (void)cudaStreamSynchronize(stream_.get()); }

std::string CudaBackend::description() const {
  return fmt::format("{}, {}, compute capability {}.{}, {:.0f} GiB, CUDA {} (driver {}), {}{}{}{}",
                     device().to_string(), properties_.name, properties_.major, properties_.minor,
                     static_cast<double>(properties_.memory_bytes) / (1 << 30), cuda_version(CUDART_VERSION),
                     cuda_version(driver_version()), Convolutions::version(), options_.tf32 ? ", TF32" : "",
                     options_.deterministic ? ", deterministic" : "",
                     convolutions_.measures() ? "" : ", convolutions not tuned since $TANDEM_CACHE cannot be written");
}

bool CudaBackend::supports(DType activation) const {
  return activation == DType::f32 || activation == DType::bf16 || activation == DType::f16;
}

void CudaBackend::synchronize() { stream_.synchronize(); }

// Memory. -------------------------------------------------------------------------------------------------------------

void CudaBackend::copy_from_host(const void* from, Tensor& to) {
  if (to.bytes() == 0) return;
  check(cudaMemcpyAsync(to.raw(), from, to.bytes(), cudaMemcpyHostToDevice, stream_.get()));
  stream_.synchronize();  // until then the device may read the host's memory
}

void CudaBackend::copy_to_host(const Tensor& from, void* to) {
  if (from.bytes() > 0) check(cudaMemcpyAsync(to, from.raw(), from.bytes(), cudaMemcpyDeviceToHost, stream_.get()));
  stream_.synchronize();
}

std::unique_ptr<Uploader> CudaBackend::make_uploader(std::size_t bytes) {
  return std::make_unique<BatchUploader>(stream_, arena_, bytes);
}

std::unique_ptr<Downloader> CudaBackend::make_downloader(std::size_t elements) {
  return std::make_unique<NumberDownloader>(stream_, elements);
}

std::unique_ptr<CapturedStep> CudaBackend::capture(const std::function<void()>& body) {
  CapturedGraph::Needs needs{arena_->hold(), {}};
  convolutions_.capture_into(&needs.objects);
  try {
    auto graph = std::make_unique<CapturedGraph>(stream_, body, needs);
    convolutions_.capture_into(nullptr);
    return graph;
  } catch (...) {
    convolutions_.capture_into(nullptr);
    throw;
  }
}

void CudaBackend::copy(const Tensor& from, Tensor& to) {
  const Call call(*this, "copy", [&] { return elements_work({&from, &to}); });
  if (from.bytes() == 0) return;
  check(cudaMemcpyAsync(to.raw(), from.raw(), from.bytes(), cudaMemcpyDeviceToDevice, stream_.get()));
}

void CudaBackend::fill(Tensor& x, double value) {
  const Call call(*this, "fill", [&] { return elements_work({&x}); });
  if (x.bytes() == 0) return;
  if (value == 0)
    check(cudaMemsetAsync(x.raw(), 0, x.bytes(), stream_.get()));
  else
    kernels::fill(queue_, static_cast<float>(value), x.size(), x.data<float>());
}

// Elementwise. --------------------------------------------------------------------------------------------------------

void CudaBackend::cast(const Tensor& from, Tensor& to) {
  const Call call(*this, "cast", [&] { return elements_work({&from, &to}); });
  kernels::cast(queue_, element(from.dtype()), from.raw(), from.size(), element(to.dtype()), to.raw());
}

void CudaBackend::add(const Tensor& a, const Tensor& b, Tensor& y) {
  const Call call(*this, "add", [&] { return elements_work({&a, &b, &y}); });
  kernels::add(queue_, element(y.dtype()), a.raw(), b.raw(), y.size(), y.raw());
}

void CudaBackend::relu_forward(const Tensor& x, Tensor& y) {
  const Call call(*this, "relu_forward", [&] { return elements_work({&x, &y}); });
  kernels::relu_forward(queue_, element(x.dtype()), x.raw(), x.size(), y.raw());
}

void CudaBackend::relu_backward(const Tensor& y, const Tensor& dy, Tensor& dx) {
  const Call call(*this, "relu_backward", [&] { return elements_work({&y, &dy, &dx}); });
  kernels::relu_backward(queue_, element(y.dtype()), y.raw(), dy.raw(), y.size(), dx.raw());
}

void CudaBackend::weighted_sum(const std::vector<Tensor>& terms, const Tensor& weights, Tensor& out) {
  const Call call(*this, "weighted_sum", [&] { return tensors_work(terms); });
  std::vector<const float*> values;
  values.reserve(terms.size());
  for (const Tensor& term : terms) values.push_back(term.data<float>());
  kernels::weighted_sum(queue_, values, weights.data<float>(), out.data<float>());
}

void CudaBackend::normalize_images(const Tensor& pixels, Tensor& y) {
  const Call call(*this, "normalize_images", [&] { return activation_work(y, {}, {&pixels, &y}); });
  kernels::normalize_images(queue_, pixels.data<std::uint8_t>(), rows_of(pixels), element(y.dtype()), y.raw());
}

// Arithmetic. ---------------------------------------------------------------------------------------------------------

void CudaBackend::unary(UnaryOp op, const Tensor& x, Tensor& y) {
  const Call call(*this, "unary", [&] { return elements_work({&x, &y}); });
  kernels::unary(queue_, map_of(op), x.data<float>(), x.size(), y.data<float>());
}

void CudaBackend::affine(double factor, double shift, const Tensor& x, Tensor& y) {
  const Call call(*this, "affine", [&] { return elements_work({&x, &y}); });
  kernels::affine(queue_, static_cast<float>(factor), static_cast<float>(shift), x.data<float>(), x.size(),
                  y.data<float>());
}

void CudaBackend::binary(BinaryOp op, const Tensor& a, const Tensor& b, Tensor& y) {
  const Call call(*this, "binary", [&] { return elements_work({&y, &a, &b}); });
  const Broadcast at(a.shape(), b.shape());
  const kernels::PairShape shape{at.rows, at.columns, at.a.row, at.a.column, at.b.row, at.b.column};
  if (op == BinaryOp::equal && a.dtype() == DType::i32)
    kernels::equal_labels(queue_, shape, a.data<std::int32_t>(), b.data<std::int32_t>(), y.data<float>());
  else
    kernels::binary(queue_, map_of(op), shape, a.data<float>(), b.data<float>(), y.data<float>());
}

void CudaBackend::reduce(ReduceOp op, Over over, const Tensor& x, Tensor& y) {
  const Call call(*this, "reduce", [&] { return elements_work({&x, &y}); });
  const bool largest = op == ReduceOp::max;
  const MatrixSize size = over == Over::all ? MatrixSize{1, x.size()} : matrix_size(x.shape());
  if (over == Over::rows)
    kernels::reduce_rows(queue_, largest, x.data<float>(), size.rows, size.columns, y.data<float>());
  else
    kernels::reduce_columns(queue_, largest, x.data<float>(), size.rows, size.columns, y.data<float>());
}

void CudaBackend::matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, Tensor& y) {
  const Call call(*this, "matmul", [&] { return product_work(a, b, y); });
  products_.multiply(a, transpose_a, b, transpose_b, {}, y);
}

void CudaBackend::gather_rows(const Tensor& x, const Tensor& index, Tensor& y) {
  const Call call(*this, "gather_rows", [&] { return elements_work({&y, &index, &y}); });
  kernels::gather_rows(queue_, x.data<float>(), index.data<std::int32_t>(), index.size(), x.dim(1), y.data<float>());
}

void CudaBackend::scatter_add_rows(const Tensor& x, const Tensor& index, Tensor& y) {
  const Call call(*this, "scatter_add_rows", [&] { return elements_work({&x, &index, &y}); });
  kernels::scatter_add_rows(queue_, x.data<float>(), index.data<std::int32_t>(), index.size(), y.dim(0), y.dim(1),
                            y.data<float>());
}

// Convolution. --------------------------------------------------------------------------------------------------------

void CudaBackend::conv2d_forward(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w, Tensor& y) {
  const Call call(*this, "conv2d_forward", [&] { return convolution_work(geometry, x, w, y); });
  convolutions_.forward(geometry, x, w, y);
}

void CudaBackend::conv2d_grad_input(const Conv2dGeometry& geometry, const Tensor& dy, const Tensor& w, Tensor& dx) {
  const Call call(*this, "conv2d_grad_input", [&] { return convolution_work(geometry, dx, w, dy); });
  convolutions_.grad_input(geometry, dy, w, dx);
}

void CudaBackend::conv2d_grad_weight(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& dy, Tensor& dw) {
  const Call call(*this, "conv2d_grad_weight", [&] { return convolution_work(geometry, x, dw, dy); });
  convolutions_.grad_weight(geometry, x, dy, dw);
}

// cuDNN can fuse bias, residual and ReLU into the convolution. But its ReLU turns NaN into 0, so that a network that
// has diverged seems sound. A separate kernel costs one more pass over y.
void CudaBackend::conv2d_inference(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w, const Tensor& b,
                                   const Tensor& residual, bool relu, Tensor& y) {
  const Call call(*this, "conv2d_inference", [&] { return convolution_work(geometry, x, w, y, residual); });
  const bool in_place = residual && residual.raw() == y.raw();
  Tensor product = in_place ? empty(y.shape(), y.dtype()) : y;
  convolutions_.forward(geometry, x, w, product);
  kernels::bias_residual_relu(queue_, element(y.dtype()), rows_of(y), y.dim(3), product.raw(), b.data<float>(),
                              raw_or_null(residual), relu, y.raw());
}

void CudaBackend::fold_batch_norm(double eps, const Tensor& w, const Tensor& gamma, const Tensor& beta,
                                  const Tensor& running_mean, const Tensor& running_var, Tensor& folded_w,
                                  Tensor& folded_b) {
  const Call call(*this, "fold_batch_norm", [&] { return elements_work({&w, &folded_w}); });
  const std::int64_t filters = w.dim(0);
  kernels::fold_batch_norm(queue_, eps, filters, w.dim(1) * w.dim(2) * w.dim(3), w.data<float>(), gamma.data<float>(),
                           beta.data<float>(), running_mean.data<float>(), running_var.data<float>(),
                           folded_w.data<float>(), folded_b.data<float>());
}

// Linear. -------------------------------------------------------------------------------------------------------------

void CudaBackend::linear_forward(const Tensor& x, const Tensor& w, const Tensor& b, Tensor& y) {
  const Call call(*this, "linear_forward", [&] { return linear_work(x.dim(0), w, {&x, &w, &b, &y}); });
  products_.multiply(x, false, w, true, b, y);
}

void CudaBackend::linear_grad_input(const Tensor& dy, const Tensor& w, Tensor& dx) {
  const Call call(*this, "linear_grad_input", [&] { return linear_work(dx.dim(0), w, {&dy, &w, &dx}); });
  products_.multiply(dy, false, w, false, {}, dx);
}

void CudaBackend::linear_grad_weight(const Tensor& x, const Tensor& dy, Tensor& dw, Tensor& db) {
  const Call call(*this, "linear_grad_weight", [&] { return linear_work(x.dim(0), dw, {&x, &dy, &dw, &db}); });
  products_.multiply(dy, true, x, false, {}, dw);
  kernels::column_sums(queue_, dy.data<float>(), dy.dim(0), dy.dim(1), db.data<float>());
}

// Batch normalisation. ------------------------------------------------------------------------------------------------

void CudaBackend::batch_norm_forward_train(const BatchNormOptions& options, const Tensor& x, const Tensor& residual,
                                           const Tensor& gamma, const Tensor& beta, Tensor& running_mean,
                                           Tensor& running_var, Tensor& y, BatchNormSaved& saved) {
  const Call call(*this, "batch_norm_forward_train", [&] {
    return activation_work(x, residual, {&x, &x, &residual, &y, &saved.mask});
  });
  const kernels::BatchNormShape shape = shape_of(options, x);
  Tensor workspace = scratch(kernels::batch_norm_workspace(queue_, shape));
  const kernels::BatchNormForward arrays{x.raw(),
                                         raw_or_null(residual),
                                         gamma.data<float>(),
                                         beta.data<float>(),
                                         running_mean.data<float>(),
                                         running_var.data<float>(),
                                         y.raw(),
                                         saved.mean.data<float>(),
                                         saved.inv_std.data<float>(),
                                         options.relu ? saved.mask.data<std::uint8_t>() : nullptr,
                                         options.fixed_statistics};
  kernels::batch_norm_forward_train(queue_, element(x.dtype()), shape, options.eps, options.momentum, arrays,
                                    workspace.raw());
}

void CudaBackend::batch_norm_forward_eval(const BatchNormOptions& options, const Tensor& x, const Tensor& residual,
                                          const Tensor& gamma, const Tensor& beta, const Tensor& running_mean,
                                          const Tensor& running_var, Tensor& y) {
  const Call call(*this, "batch_norm_forward_eval", [&] { return activation_work(x, residual, {&x, &residual, &y}); });
  kernels::batch_norm_forward_eval(queue_, element(x.dtype()), rows_of(x), x.dim(3), options.eps, options.relu, x.raw(),
                                   raw_or_null(residual), gamma.data<float>(), beta.data<float>(),
                                   running_mean.data<float>(), running_var.data<float>(), y.raw());
}

void CudaBackend::batch_norm_backward(const BatchNormOptions& options, const Tensor& dy, const Tensor& x,
                                      const Tensor& gamma, const BatchNormSaved& saved, Tensor& dx, Tensor& dresidual,
                                      Tensor& dgamma, Tensor& dbeta) {
  const Call call(*this, "batch_norm_backward", [&] {
    return activation_work(x, dresidual, {&dy, &x, &saved.mask, &dy, &x, &saved.mask, &dx, &dresidual});
  });
  const kernels::BatchNormShape shape = shape_of(options, x);
  Tensor workspace = scratch(kernels::batch_norm_workspace(queue_, shape));
  const kernels::BatchNormBackward arrays{dy.raw(),
                                          x.raw(),
                                          gamma.data<float>(),
                                          saved.mean.data<float>(),
                                          saved.inv_std.data<float>(),
                                          options.relu ? saved.mask.data<std::uint8_t>() : nullptr,
                                          dx.raw(),
                                          raw_or_null(dresidual),
                                          dgamma.data<float>(),
                                          dbeta.data<float>(),
                                          options.fixed_statistics};
  kernels::batch_norm_backward(queue_, element(x.dtype()), shape, arrays, workspace.raw());
}

// Pooling. ------------------------------------------------------------------------------------------------------------

void CudaBackend::max_pool_forward(const Pool2dGeometry& geometry, const Tensor& x, Tensor& y, Tensor& argmax) {
  const Call call(*this, "max_pool_forward", [&] { return activation_work(x, {}, {&x, &y, &argmax}); });
  kernels::max_pool_forward(queue_, element(x.dtype()), shape_of(geometry, x.shape(), y.shape()), x.raw(), y.raw(),
                            argmax.data<std::uint8_t>());
}

void CudaBackend::max_pool_backward(const Pool2dGeometry& geometry, const Tensor& dy, const Tensor& argmax,
                                    Tensor& dx) {
  const Call call(*this, "max_pool_backward", [&] { return activation_work(dx, {}, {&dy, &argmax, &dx}); });
  kernels::max_pool_backward(queue_, element(dy.dtype()), shape_of(geometry, dx.shape(), dy.shape()), dy.raw(),
                             argmax.data<std::uint8_t>(), dx.raw());
}

void CudaBackend::average_pool_forward(const Tensor& x, Tensor& y) {
  const Call call(*this, "average_pool_forward", [&] { return activation_work(x, {}, {&x, &y}); });
  kernels::average_pool_forward(queue_, element(x.dtype()), x.dim(0), x.dim(1) * x.dim(2), x.dim(3), x.raw(),
                                y.data<float>());
}

void CudaBackend::average_pool_backward(const Tensor& dy, Tensor& dx) {
  const Call call(*this, "average_pool_backward", [&] { return activation_work(dx, {}, {&dy, &dx}); });
  kernels::average_pool_backward(queue_, element(dx.dtype()), dx.dim(0), dx.dim(1) * dx.dim(2), dx.dim(3),
                                 dy.data<float>(), dx.raw());
}

void CudaBackend::average_squares_forward(std::int64_t side, const Tensor& x, Tensor& y) {
  const Call call(*this, "average_squares_forward", [&] { return activation_work(x, {}, {&x, &y}); });
  kernels::average_squares_forward(queue_, element(x.dtype()), squares_of(side, x.shape()), x.raw(), y.raw());
}

void CudaBackend::average_squares_backward(std::int64_t side, const Tensor& dy, Tensor& dx) {
  const Call call(*this, "average_squares_backward", [&] { return activation_work(dx, {}, {&dy, &dx}); });
  kernels::average_squares_backward(queue_, element(dx.dtype()), squares_of(side, dx.shape()), dy.raw(), dx.raw());
}

// Losses. -------------------------------------------------------------------------------------------------------------

void CudaBackend::softmax_cross_entropy(const Tensor& logits, const Tensor& labels, double smoothing, Tensor& loss,
                                        Tensor& dlogits) {
  const Call call(*this, "softmax_cross_entropy", [&] { return elements_work({&logits, &labels, &dlogits}); });
  Tensor workspace = scratch(kernels::loss_workspace(logits.dim(0)));
  kernels::softmax_cross_entropy(queue_, logits.data<float>(), labels.data<std::int32_t>(), logits.dim(0),
                                 logits.dim(1), smoothing, loss.data<float>(), dlogits.data<float>(), workspace.raw());
}

// Optimizer. ----------------------------------------------------------------------------------------------------------

void CudaBackend::optimizer_update(const UpdateRule& rule, const UpdateInputs& inputs,
                                   std::vector<ParameterUpdate>& parameters) {
  const Call call(*this, "optimizer_update", [&] { return update_work(parameters); });
  const kernels::UpdateScalars scalars = scalars_of(inputs);
  if (std::holds_alternative<AverageOptions>(rule)) {
    std::vector<kernels::AverageTensor> averages;
    averages.reserve(parameters.size());
    for (ParameterUpdate& p : parameters)
      averages.push_back({p.weight.data<float>(), p.gradient.data<float>(), p.weight.size()});
    kernels::average_update(queue_, scalars, averages);
    return;
  }
  const std::vector<kernels::UpdateTensor> tensors = tensors_of(parameters, weight_decay_of(rule));
  if (const auto* sgd = std::get_if<SgdOptions>(&rule)) {
    kernels::sgd_update(queue_, sgd->momentum, sgd->nesterov, scalars, tensors);
  } else if (const auto* adam = std::get_if<AdamOptions>(&rule)) {
    kernels::adam_update(queue_, {adam->beta1, adam->beta2, adam->eps, adam->decoupled}, scalars, tensors);
  } else if (const auto* rmsprop = std::get_if<RmsPropOptions>(&rule)) {
    kernels::rmsprop_update(queue_, {rmsprop->alpha, rmsprop->eps, rmsprop->momentum}, scalars, tensors);
  } else {
    Tensor workspace = scratch(kernels::trust_workspace(tensors));
    if (const auto* lars = std::get_if<LarsOptions>(&rule)) {
      kernels::lars_update(
          queue_, {lars->momentum, lars->nesterov, lars->trust, lars->eps, lars->trust_clip, lars->always_adapt},
          scalars, tensors, workspace.raw());
    } else {
      const auto& lamb = std::get<LambOptions>(rule);
      kernels::lamb_update(queue_, {lamb.beta1, lamb.beta2, lamb.eps, lamb.trust_clip, lamb.always_adapt}, scalars,
                           tensors, workspace.raw());
    }
  }
}

void CudaBackend::gradient_norm(const std::vector<Tensor>& gradients, Tensor& norm) {
  const Call call(*this, "gradient_norm", [&] { return tensors_work(gradients); });
  std::vector<kernels::ConstTensor> tensors;
  tensors.reserve(gradients.size());
  for (const Tensor& gradient : gradients) tensors.push_back({gradient.data<float>(), gradient.size()});
  Tensor workspace = scratch(kernels::gradient_norm_workspace(tensors));
  kernels::gradient_norm(queue_, tensors, norm.data<float>(), workspace.raw());
}

void CudaBackend::update_loss_scale(const LossScaleOptions& options, const Tensor& gradient_norm, Tensor& loss_scale) {
  const Call call(*this, "update_loss_scale", [&] { return elements_work({&loss_scale}); });
  kernels::update_loss_scale(queue_, options.growth, options.backoff, options.interval, gradient_norm.data<float>(),
                             loss_scale.data<float>());
}

}  // namespace cuda
}  // namespace tandem
