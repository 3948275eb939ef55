#pragma once
// What the kernels of core/backend/kernels.h take besides tensors.

#include <array>
#include <cstdint>
#include <limits>
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
  std::int64_t groups = 1;  ///< G: the first K / G filters see the first C / G channels alone, and so on

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

/// What is done to gradients, once the loss's scale is out of them, before a rule reads them.
struct GradientClip {
  double norm = std::numeric_limits<double>::infinity();   ///< g = g * min(1, norm / (gradient_norm + eps))
  double eps = 1e-6;                                       ///< PyTorch's
  double value = std::numeric_limits<double>::infinity();  ///< then g = max(-value, min(value, g))
};

/// What an update reads besides the parameters.
struct UpdateInputs {
  Tensor scalars;        ///< (3) real: learning rate, 1 / (1 - beta1^t), 1 / (1 - beta2^t); some rules read one alone
  Tensor gradient_norm;  ///< (1) real: if it is not finite, nothing is updated; undefined: always update
  Tensor loss_scale;     ///< (2) real: gradients are divided by its first element; undefined: they are not
  GradientClip clip = {};
};

// The rules. Of each parameter p, with the numbers of ParameterUpdate:
//   lr = scalars[0] * p.lr,  c1 = scalars[1],  c2 = scalars[2],  decay = weight_decay * p.decay,
//   g = the gradient, divided by the loss's scale and clipped.

/// g = g + decay * w;  v = momentum * v + g;  w = w - lr * (nesterov ? g + momentum * v : v).
/// (PyTorch's SGD; Sutskever et al. 2013.) state[0] is v, the velocity.
struct SgdOptions {
  double momentum = 0.0;
  bool nesterov = false;
  double weight_decay = 0.0;
};

/// Decoupled: w = w - lr * decay * w, otherwise: g = g + decay * w;  first = beta1 * first + (1 - beta1) * g;
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

/// r = |w| > 0 and |g| > 0 ? trust * |w| / (|g| + decay * |w| + eps) : 1, the norms those of the whole parameter;
/// with trust_clip r = min(r / lr, 1); r = 1 where decay is 0, unless always_adapt. Then SGD with r * (g + decay * w)
/// in the place of g + decay * w. (timm's Lars; You et al. 2017.) state[0] is v, the velocity.
struct LarsOptions {
  double momentum = 0.0;
  bool nesterov = false;
  double weight_decay = 0.0;
  double trust = 1e-3;
  double eps = 1e-8;
  bool trust_clip = false;
  bool always_adapt = false;
};

/// first and second as in Adam, without a decay;  u = c1 * first / (sqrt(c2 * second) + eps) + decay * w;
/// r = |w| > 0 and |u| > 0 ? |w| / |u| : 1, with trust_clip at most 1; r = 1 where decay is 0, unless always_adapt;
/// w = w - lr * r * u. (timm's Lamb; You et al. 2020.) state[0] is first and state[1] second.
struct LambOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-6;
  double weight_decay = 0.0;
  bool trust_clip = false;
  bool always_adapt = false;
};

/// g = g + decay * w;  square = square + (1 - alpha) * (g^2 - square);  v = momentum * v + lr * g / sqrt(square + eps);
/// w = w - v. (timm's RMSpropTF, TensorFlow's RMSprop.) state[0] is square, which begins at 1, and state[1] v.
struct RmsPropOptions {
  double alpha = 0.9;
  double eps = 1e-10;
  double momentum = 0.0;
  double weight_decay = 0.0;
};

/// w = w + lr * (gradient - w), and exactly the gradient at lr = 1: with a tensor in the gradient's place, w is that
/// tensor's moving average. Keeps nothing, reads scalars[0] alone, and knows neither weight decay nor a loss scale.
struct AverageOptions {};

/// How optimizer_update changes a parameter. A rule that is not here is written with the kernels of "Arithmetic".
using UpdateRule = std::variant<SgdOptions, AdamOptions, LarsOptions, LambOptions, RmsPropOptions, AverageOptions>;

/// A rule's weight decay; 0 for one that has none.
inline double weight_decay_of(const UpdateRule& rule) {
  const auto of = [](const auto& options) {
    if constexpr (requires { options.weight_decay; }) return options.weight_decay;
    return 0.0;
  };
  return std::visit(of, rule);
}

/// One parameter of an update, its tensors all real and of one size.
struct ParameterUpdate {
  Tensor weight;
  Tensor gradient;
  std::array<Tensor, 2> state;  ///< what the rule keeps; undefined where it keeps less
  double decay = 1;             ///< what its weight decay is multiplied by; 0: it does not decay
  double lr = 1;                ///< what its learning rate is multiplied by
};

struct LossScaleOptions {
  double growth = 2.0;   ///< the factor after `interval` steps whose gradients were all finite
  double backoff = 0.5;  ///< the factor after one whose were not
  int interval = 2000;
};

}  // namespace tandem
