#pragma once
// What the kernels of core/backend/kernels.h take besides tensors.

#include <cstdint>

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

}  // namespace tandem
