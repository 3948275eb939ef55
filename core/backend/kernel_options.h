#pragma once
// What the kernels of core/backend/kernels.h take besides tensors.

#include <array>
#include <cstdint>
#include <variant>

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
  bool ceil = false;  ///< without padding: the last window may reach over the end, as in Caffe

  std::int64_t output(std::int64_t length) const {
    return count_windows(ceil ? length + stride - 1 : length, window, stride, padding);
  }
};

struct BatchNormOptions {
  std::int64_t groups = 1;  ///< G: the batch is G equal parts, each normalised with its own statistics
  double eps = 1e-5;
  double momentum = 0.1;  ///< running = (1 - momentum) * running + momentum * batch's
  bool relu = false;      ///< y = max(0, .) at the end
  /// The running statistics stand in the batch's place, do not change, and count as constants in the gradient.
  bool fixed_statistics = false;
};

/// What batch_norm_forward_train leaves for the gradient.
struct BatchNormSaved {
  Tensor mean;     ///< (G, C) real
  Tensor inv_std;  ///< (G, C) real: 1 / sqrt(biased variance + eps)
  Tensor mask;     ///< (M, ceil(C / 8)) u8, bit c % 8 of byte c / 8 set where y > 0; undefined without relu
};

/// y = op(x), element by element.
enum class UnaryOp {
  exp,
  log,
  sqrt,
  is_finite  ///< 1 for a finite number, 0 for an infinity or NaN
};

/// y = op(a, b), element by element.
enum class BinaryOp {
  add,
  subtract,
  multiply,
  divide,
  equal,  ///< 1 where a = b, otherwise 0; a and b may be i32
  gate    ///< b where a > 0, otherwise 0, even where b is not a number
};

/// NaN stays NaN in both.
enum class ReduceOp { sum, max };

/// What a reduction of a matrix (R, C) runs over, and so the shape of its result. A tensor (n) is a matrix (1, n).
enum class Over {
  rows,     ///< (1, C): a number for each column
  columns,  ///< (R, 1): a number for each row
  all       ///< (1)
};

/// What an update reads on the device.
struct UpdateInputs {
  Tensor scalars;        ///< (3) real: learning rate, 1 / (1 - beta1^t), 1 / (1 - beta2^t); SGD reads the first alone
  Tensor gradient_norm;  ///< (1) real: if it is not finite, nothing is updated; undefined: always update
  Tensor loss_scale;     ///< (2) real: gradients are divided by its first element; undefined: they are not
};

/// lr = scalars[0], g = gradient / loss_scale[0] + weight_decay * w (where it decays);
/// v = momentum * v + g;  w = w - lr * (nesterov ? g + momentum * v : v).   (PyTorch's SGD; Sutskever et al. 2013.)
/// state[0] is v, the velocity.
struct SgdOptions {
  double momentum = 0.0;
  bool nesterov = false;
  double weight_decay = 0.0;
};

/// lr, c1, c2 = scalars, g = gradient / loss_scale[0]; where it decays, decoupled: w = w - lr * weight_decay * w,
/// otherwise: g = g + weight_decay * w;  first = beta1 * first + (1 - beta1) * g;
/// second = beta2 * second + (1 - beta2) * g^2;  w = w - lr * c1 * first / (sqrt(c2 * second) + eps).
/// (PyTorch's Adam and AdamW; Kingma and Ba 2015, Loshchilov and Hutter 2019.)
/// state[0] is first and state[1] second: the moving averages of the gradient and of its square.
struct AdamOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0.0;
  bool decoupled = false;  ///< AdamW: the decay does not pass through the moments
};

/// How optimizer_update changes a parameter. A rule that is not here is written with the kernels of "Arithmetic".
using UpdateRule = std::variant<SgdOptions, AdamOptions>;

/// One parameter of an update, its tensors all real and of one size.
struct ParameterUpdate {
  Tensor weight;
  Tensor gradient;
  std::array<Tensor, 2> state;  ///< what the rule keeps; undefined where it keeps less
  bool decay = true;            ///< whether weight decay applies to it
};

struct LossScaleOptions {
  double growth = 2.0;   ///< the factor after `interval` steps whose gradients were all finite
  double backoff = 0.5;  ///< the factor after one whose were not
  int interval = 2000;
};

}  // namespace tandem
