#include "bench/timed_backend.h"

#include <chrono>
#include <initializer_list>

namespace tandem {
namespace {

/// Bytes of some tensors, those that are there.
double bytes_of(std::initializer_list<const Tensor*> tensors) {
  double sum = 0;
  for (const Tensor* tensor : tensors)
    if (tensor->defined()) sum += static_cast<double>(tensor->bytes());
  return sum;
}

/// Of a convolution from x to y by windows of w's height and width.
double flop_of(const Tensor& y, const Shape& w) {
  return 2.0 * static_cast<double>(y.size()) * static_cast<double>(w[1] * w[2] * w[3]);
}

std::string convolution(const Conv2dGeometry& geometry, const Tensor& x, const Shape& w) {
  return fmt::format("{}x{}/{} {} -> {} at {}x{}", w[1], w[2], geometry.stride, w[3], w[0], x.dim(1), x.dim(2));
}

std::string activation(const Tensor& x) { return fmt::format("{} at {}x{}", x.dim(3), x.dim(1), x.dim(2)); }

double product_flop(const Tensor& x, const Shape& w) {
  return 2.0 * static_cast<double>(x.dim(0)) * static_cast<double>(w.size());
}

std::string elements(const Tensor& x) { return fmt::format("{} {}", x.dtype(), x.shape()); }

}  // namespace

template <class Call>
void TimedBackend::timed(const char* kernel, std::string problem, double flop, double bytes, const Call& call) {
  using Clock = std::chrono::steady_clock;
  const auto begin = Clock::now();
  call();
  backend_.synchronize();
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  observer_({kernel, std::move(problem), seconds, flop, bytes});
}

void TimedBackend::copy(const Tensor& from, Tensor& to) {
  timed("copy", elements(from), 0, bytes_of({&from, &to}), [&] { backend_.copy(from, to); });
}

void TimedBackend::fill(Tensor& x, double value) {
  timed("fill", elements(x), 0, bytes_of({&x}), [&] { backend_.fill(x, value); });
}

void TimedBackend::cast(const Tensor& from, Tensor& to) {
  timed("cast", elements(from), 0, bytes_of({&from, &to}), [&] { backend_.cast(from, to); });
}

void TimedBackend::add(const Tensor& a, const Tensor& b, Tensor& y) {
  timed("add", elements(a), 0, bytes_of({&a, &b, &y}), [&] { backend_.add(a, b, y); });
}

void TimedBackend::relu_forward(const Tensor& x, Tensor& y) {
  timed("relu_forward", elements(x), 0, bytes_of({&x, &y}), [&] { backend_.relu_forward(x, y); });
}

void TimedBackend::relu_backward(const Tensor& y, const Tensor& dy, Tensor& dx) {
  timed("relu_backward", elements(y), 0, bytes_of({&y, &dy, &dx}), [&] { backend_.relu_backward(y, dy, dx); });
}

void TimedBackend::scale(const Tensor& x, const Tensor& factor, Tensor& y) {
  timed("scale", elements(x), 0, bytes_of({&x, &y}), [&] { backend_.scale(x, factor, y); });
}

void TimedBackend::weighted_sum(const std::vector<Tensor>& terms, const Tensor& weights, Tensor& out) {
  timed("weighted_sum", fmt::format("{} terms", terms.size()), 0, bytes_of({&out}),
        [&] { backend_.weighted_sum(terms, weights, out); });
}

void TimedBackend::normalize_images(const Tensor& pixels, Tensor& y) {
  timed("normalize_images", activation(y), 0, bytes_of({&pixels, &y}), [&] { backend_.normalize_images(pixels, y); });
}

void TimedBackend::conv2d_forward(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w, Tensor& y) {
  timed("conv2d_forward", convolution(geometry, x, w.shape()), flop_of(y, w.shape()), bytes_of({&x, &w, &y}),
        [&] { backend_.conv2d_forward(geometry, x, w, y); });
}

void TimedBackend::conv2d_grad_input(const Conv2dGeometry& geometry, const Tensor& dy, const Tensor& w, Tensor& dx) {
  timed("conv2d_grad_input", convolution(geometry, dx, w.shape()), flop_of(dy, w.shape()), bytes_of({&dy, &w, &dx}),
        [&] { backend_.conv2d_grad_input(geometry, dy, w, dx); });
}

void TimedBackend::conv2d_grad_weight(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& dy, Tensor& dw) {
  timed("conv2d_grad_weight", convolution(geometry, x, dw.shape()), flop_of(dy, dw.shape()), bytes_of({&x, &dy, &dw}),
        [&] { backend_.conv2d_grad_weight(geometry, x, dy, dw); });
}

void TimedBackend::conv2d_inference(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& w, const Tensor& b,
                                    const Tensor& residual, bool relu, Tensor& y) {
  timed("conv2d_inference", convolution(geometry, x, w.shape()) + (residual ? " + residual" : ""),
        flop_of(y, w.shape()), bytes_of({&x, &w, &b, &residual, &y}),
        [&] { backend_.conv2d_inference(geometry, x, w, b, residual, relu, y); });
}

void TimedBackend::fold_batch_norm(double eps, const Tensor& w, const Tensor& gamma, const Tensor& beta,
                                   const Tensor& running_mean, const Tensor& running_var, Tensor& folded_w,
                                   Tensor& folded_b) {
  timed("fold_batch_norm", elements(w), 0, bytes_of({&w, &folded_w}),
        [&] { backend_.fold_batch_norm(eps, w, gamma, beta, running_mean, running_var, folded_w, folded_b); });
}

void TimedBackend::linear_forward(const Tensor& x, const Tensor& w, const Tensor& b, Tensor& y) {
  timed("linear_forward", fmt::format("{} -> {}", w.dim(1), w.dim(0)), product_flop(x, w.shape()),
        bytes_of({&x, &w, &b, &y}), [&] { backend_.linear_forward(x, w, b, y); });
}

void TimedBackend::linear_grad_input(const Tensor& dy, const Tensor& w, Tensor& dx) {
  timed("linear_grad_input", fmt::format("{} -> {}", w.dim(1), w.dim(0)), product_flop(dx, w.shape()),
        bytes_of({&dy, &w, &dx}), [&] { backend_.linear_grad_input(dy, w, dx); });
}

void TimedBackend::linear_grad_weight(const Tensor& x, const Tensor& dy, Tensor& dw, Tensor& db) {
  timed("linear_grad_weight", fmt::format("{} -> {}", dw.dim(1), dw.dim(0)), product_flop(x, dw.shape()),
        bytes_of({&x, &dy, &dw, &db}), [&] { backend_.linear_grad_weight(x, dy, dw, db); });
}

void TimedBackend::batch_norm_forward_train(const BatchNormOptions& options, const Tensor& x, const Tensor& residual,
                                            const Tensor& gamma, const Tensor& beta, Tensor& running_mean,
                                            Tensor& running_var, Tensor& y, BatchNormSaved& saved) {
  // x is read for the statistics, and again to be normalised.
  timed("batch_norm_forward_train", activation(x) + (residual ? " + residual" : ""), 0,
        bytes_of({&x, &x, &residual, &y, &saved.mask}), [&] {
          backend_.batch_norm_forward_train(options, x, residual, gamma, beta, running_mean, running_var, y, saved);
        });
}

void TimedBackend::batch_norm_forward_eval(const BatchNormOptions& options, const Tensor& x, const Tensor& residual,
                                           const Tensor& gamma, const Tensor& beta, const Tensor& running_mean,
                                           const Tensor& running_var, Tensor& y) {
  timed("batch_norm_forward_eval", activation(x) + (residual ? " + residual" : ""), 0, bytes_of({&x, &residual, &y}),
        [&] { backend_.batch_norm_forward_eval(options, x, residual, gamma, beta, running_mean, running_var, y); });
}

void TimedBackend::batch_norm_backward(const BatchNormOptions& options, const Tensor& dy, const Tensor& x,
                                       const Tensor& gamma, const BatchNormSaved& saved, Tensor& dx, Tensor& dresidual,
                                       Tensor& dgamma, Tensor& dbeta) {
  // dy, x and the mask are read for the sums, and again for the gradient.
  timed("batch_norm_backward", activation(x) + (dresidual ? " + residual" : ""), 0,
        bytes_of({&dy, &x, &saved.mask, &dy, &x, &saved.mask, &dx, &dresidual}),
        [&] { backend_.batch_norm_backward(options, dy, x, gamma, saved, dx, dresidual, dgamma, dbeta); });
}

void TimedBackend::max_pool_forward(const Pool2dGeometry& geometry, const Tensor& x, Tensor& y, Tensor& argmax) {
  timed("max_pool_forward", activation(x), 0, bytes_of({&x, &y, &argmax}),
        [&] { backend_.max_pool_forward(geometry, x, y, argmax); });
}

void TimedBackend::max_pool_backward(const Pool2dGeometry& geometry, const Tensor& dy, const Tensor& argmax,
                                     Tensor& dx) {
  timed("max_pool_backward", activation(dx), 0, bytes_of({&dy, &argmax, &dx}),
        [&] { backend_.max_pool_backward(geometry, dy, argmax, dx); });
}

void TimedBackend::average_pool_forward(const Tensor& x, Tensor& y) {
  timed("average_pool_forward", activation(x), 0, bytes_of({&x, &y}), [&] { backend_.average_pool_forward(x, y); });
}

void TimedBackend::average_pool_backward(const Tensor& dy, Tensor& dx) {
  timed("average_pool_backward", activation(dx), 0, bytes_of({&dy, &dx}),
        [&] { backend_.average_pool_backward(dy, dx); });
}

void TimedBackend::softmax_cross_entropy(const Tensor& logits, const Tensor& labels, double smoothing, Tensor& loss,
                                         Tensor& dlogits) {
  timed("softmax_cross_entropy", elements(logits), 0, bytes_of({&logits, &labels, &dlogits}),
        [&] { backend_.softmax_cross_entropy(logits, labels, smoothing, loss, dlogits); });
}

void TimedBackend::contrastive_forward(const ContrastiveOptions& options, const Tensor& a, const Tensor& b,
                                       const Tensor& labels_a, const Tensor& labels_b, Tensor& distance, Tensor& loss) {
  timed("contrastive_forward", elements(a), 0, bytes_of({&a, &b, &distance}),
        [&] { backend_.contrastive_forward(options, a, b, labels_a, labels_b, distance, loss); });
}

void TimedBackend::contrastive_backward(const ContrastiveOptions& options, const Tensor& a, const Tensor& b,
                                        const Tensor& labels_a, const Tensor& labels_b, const Tensor& distance,
                                        const Tensor& dloss, Tensor& da, Tensor& db) {
  timed("contrastive_backward", elements(a), 0, bytes_of({&a, &b, &distance, &da, &db}),
        [&] { backend_.contrastive_backward(options, a, b, labels_a, labels_b, distance, dloss, da, db); });
}

void TimedBackend::sgd_update(const SgdOptions& options, const UpdateInputs& inputs,
                              std::vector<SgdParameter>& parameters) {
  double bytes = 0;
  for (const SgdParameter& p : parameters)
    bytes += bytes_of({&p.weight, &p.weight, &p.gradient, &p.velocity, &p.velocity});
  timed("sgd_update", fmt::format("{} tensors", parameters.size()), 0, bytes,
        [&] { backend_.sgd_update(options, inputs, parameters); });
}

void TimedBackend::adam_update(const AdamOptions& options, const UpdateInputs& inputs,
                               std::vector<AdamParameter>& parameters) {
  double bytes = 0;
  for (const AdamParameter& p : parameters)
    bytes += bytes_of({&p.weight, &p.weight, &p.gradient, &p.first, &p.first, &p.second, &p.second});
  timed("adam_update", fmt::format("{} tensors", parameters.size()), 0, bytes,
        [&] { backend_.adam_update(options, inputs, parameters); });
}

void TimedBackend::gradient_norm(const std::vector<Tensor>& gradients, Tensor& norm) {
  double bytes = 0;
  for (const Tensor& gradient : gradients) bytes += bytes_of({&gradient});
  timed("gradient_norm", fmt::format("{} tensors", gradients.size()), 0, bytes,
        [&] { backend_.gradient_norm(gradients, norm); });
}

void TimedBackend::update_loss_scale(const LossScaleOptions& options, const Tensor& gradient_norm, Tensor& loss_scale) {
  timed("update_loss_scale", elements(loss_scale), 0, bytes_of({&loss_scale}),
        [&] { backend_.update_loss_scale(options, gradient_norm, loss_scale); });
}

}  // namespace tandem
