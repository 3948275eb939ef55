#include "tests/support/ops/sabotage.h"

#include <algorithm>
#include <cmath>
#include <functional>

#include "cpu/reference/reference_backend.h"

namespace tandem::test {
namespace {

using cpu::ReferenceBackend;
using Distortion = std::function<void(double* begin, double* end, std::int64_t rows)>;

/// The reference backend, f64, with one named output of one kernel distorted after the kernel has run.
class Distorted : public ReferenceBackend {
 public:
  /// `call`: which call of the kernel, counted from 1; 0: all. Kernels that serve forward and backward are spoilt in
  /// calls of the backward pass alone, or forward and rule would be wrong in the same way.
  Distorted(std::string output, int call, Distortion distortion)
      : output_(std::move(output)), call_(call), distortion_(std::move(distortion)) {}

  void relu_backward(const Tensor& y, const Tensor& dy, Tensor& dx) override {
    ReferenceBackend::relu_backward(y, dy, dx);
    distort("relu_backward dx", dx);
  }
  void add(const Tensor& a, const Tensor& b, Tensor& y) override {
    ReferenceBackend::add(a, b, y);
    if (y.raw() == a.raw() || y.raw() == b.raw()) distort("add in place", y);
  }
  void affine(double factor, double shift, const Tensor& x, Tensor& y) override {
    ReferenceBackend::affine(factor, shift, x, y);
    distort("affine", y);
  }
  void binary(BinaryOp op, const Tensor& a, const Tensor& b, Tensor& y) override {
    ReferenceBackend::binary(op, a, b, y);
    distort("binary", y);
  }
  void reduce(ReduceOp op, Over over, const Tensor& x, Tensor& y) override {
    ReferenceBackend::reduce(op, over, x, y);
    distort("reduce", y);
  }
  void matmul(const Tensor& a, bool transpose_a, const Tensor& b, bool transpose_b, Tensor& y) override {
    ReferenceBackend::matmul(a, transpose_a, b, transpose_b, y);
    distort("matmul", y);
  }
  void scatter_add_rows(const Tensor& x, const Tensor& index, Tensor& y) override {
    ReferenceBackend::scatter_add_rows(x, index, y);
    distort("scatter_add_rows", y);
  }
  void copy(const Tensor& from, Tensor& to) override {
    ReferenceBackend::copy(from, to);
    distort("copy to", to);
  }
  void conv2d_grad_input(const Conv2dGeometry& geometry, const Tensor& dy, const Tensor& w, Tensor& dx) override {
    ReferenceBackend::conv2d_grad_input(geometry, dy, w, dx);
    distort("conv2d_grad_input dx", dx);
  }
  void conv2d_grad_weight(const Conv2dGeometry& geometry, const Tensor& x, const Tensor& dy, Tensor& dw) override {
    ReferenceBackend::conv2d_grad_weight(geometry, x, dy, dw);
    distort("conv2d_grad_weight dw", dw);
  }
  void linear_grad_input(const Tensor& dy, const Tensor& w, Tensor& dx) override {
    ReferenceBackend::linear_grad_input(dy, w, dx);
    distort("linear_grad_input dx", dx);
  }
  void linear_grad_weight(const Tensor& x, const Tensor& dy, Tensor& dw, Tensor& db) override {
    ReferenceBackend::linear_grad_weight(x, dy, dw, db);
    distort("linear_grad_weight dw", dw);
    distort("linear_grad_weight db", db);
  }
  void batch_norm_backward(const BatchNormOptions& options, const Tensor& dy, const Tensor& x, const Tensor& gamma,
                           const BatchNormSaved& saved, Tensor& dx, Tensor& dresidual, Tensor& dgamma,
                           Tensor& dbeta) override {
    ReferenceBackend::batch_norm_backward(options, dy, x, gamma, saved, dx, dresidual, dgamma, dbeta);
    distort("batch_norm_backward dx", dx);
    distort("batch_norm_backward dresidual", dresidual);
    distort("batch_norm_backward dgamma", dgamma);
    distort("batch_norm_backward dbeta", dbeta);
  }
  void max_pool_backward(const Pool2dGeometry& geometry, const Tensor& dy, const Tensor& argmax, Tensor& dx) override {
    ReferenceBackend::max_pool_backward(geometry, dy, argmax, dx);
    distort("max_pool_backward dx", dx);
  }
  void average_pool_backward(const Tensor& dy, Tensor& dx) override {
    ReferenceBackend::average_pool_backward(dy, dx);
    distort("average_pool_backward dx", dx);
  }
  void average_squares_backward(std::int64_t side, const Tensor& dy, Tensor& dx) override {
    ReferenceBackend::average_squares_backward(side, dy, dx);
    distort("average_squares_backward dx", dx);
  }
  void softmax_cross_entropy(const Tensor& logits, const Tensor& labels, double smoothing, Tensor& loss,
                             Tensor& dlogits) override {
    ReferenceBackend::softmax_cross_entropy(logits, labels, smoothing, loss, dlogits);
    distort("softmax_cross_entropy dlogits", dlogits);
  }

 private:
  void distort(const char* output, Tensor& x) {
    if (output != output_ || !x || (++calls_ != call_ && call_ != 0)) return;
    distortion_(x.data<double>(), x.data<double>() + x.size(), x.dim(0));
  }

  std::string output_;
  int call_, calls_ = 0;
  Distortion distortion_;
};

struct NamedDistortion {
  const char* name;
  bool fits_one_number;
  Distortion apply;
};

double* largest_of(double* begin, double* end) {
  return std::max_element(begin, end, [](double a, double b) { return std::abs(a) < std::abs(b); });
}

std::vector<NamedDistortion> distortions() {
  return {
      {"zero", true, [](double* begin, double* end, std::int64_t) { std::fill(begin, end, 0.0); }},
      {"sign flipped", true,
       [](double* begin, double* end, std::int64_t) { std::transform(begin, end, begin, std::negate<>()); }},
      {"doubled", true,
       [](double* begin, double* end, std::int64_t) {
         for (; begin != end; ++begin) *begin *= 2;
       }},
      {"one per mille too large", true,
       [](double* begin, double* end, std::int64_t) {
         for (; begin != end; ++begin) *begin *= 1.001;
       }},
      {"largest element dropped", true, [](double* begin, double* end, std::int64_t) { *largest_of(begin, end) = 0; }},
      {"in reverse order", false, [](double* begin, double* end, std::int64_t) { std::reverse(begin, end); }},
      {"transposed", false,
       [](double* begin, double* end, std::int64_t rows) {
         const std::vector<double> from(begin, end);
         const auto m = static_cast<std::size_t>(rows), n = from.size() / m;
         for (std::size_t i = 0; i < from.size(); ++i) begin[i % n * m + i / n] = from[i];
       }},
  };
}

// Mistakes peculiar to one rule: the kernel is called with something missing.
// -------------------------------------------

struct ConvPaddingForgotten : ReferenceBackend {
  void conv2d_grad_input(const Conv2dGeometry& z, const Tensor& dy, const Tensor& w, Tensor& dx) override {
    ReferenceBackend::conv2d_grad_input({z.stride, z.padding - 1}, dy, w, dx);
  }
};
struct ConvStrideForgotten : ReferenceBackend {
  void conv2d_grad_weight(const Conv2dGeometry& z, const Tensor& x, const Tensor& dy, Tensor& dw) override {
    ReferenceBackend::conv2d_grad_weight({1, z.padding}, x, dy, dw);
  }
};

struct BatchNormMaskForgotten : ReferenceBackend {
  void batch_norm_backward(const BatchNormOptions& options, const Tensor& dy, const Tensor& x, const Tensor& gamma,
                           const BatchNormSaved& saved, Tensor& dx, Tensor& dresidual, Tensor& dgamma,
                           Tensor& dbeta) override {
    BatchNormOptions other = options;
    other.relu = false;
    ReferenceBackend::batch_norm_backward(other, dy, x, gamma, saved, dx, dresidual, dgamma, dbeta);
  }
};
/// Both groups with the statistics of the first.
struct BatchNormGroupsForgotten : ReferenceBackend {
  void batch_norm_backward(const BatchNormOptions& options, const Tensor& dy, const Tensor& x, const Tensor& gamma,
                           const BatchNormSaved& saved, Tensor& dx, Tensor& dresidual, Tensor& dgamma,
                           Tensor& dbeta) override {
    for (const Tensor& statistic : {saved.mean, saved.inv_std}) {
      Tensor all = statistic;
      for (std::int64_t g = 1; g < options.groups; ++g) {
        Tensor part = all.rows(g, g + 1);
        copy(all.rows(0, 1), part);
      }
    }
    ReferenceBackend::batch_norm_backward(options, dy, x, gamma, saved, dx, dresidual, dgamma, dbeta);
  }
};
/// As if the statistics were the batch's.
struct BatchNormFixedForgotten : ReferenceBackend {
  void batch_norm_backward(const BatchNormOptions& options, const Tensor& dy, const Tensor& x, const Tensor& gamma,
                           const BatchNormSaved& saved, Tensor& dx, Tensor& dresidual, Tensor& dgamma,
                           Tensor& dbeta) override {
    BatchNormOptions other = options;
    other.fixed_statistics = false;
    ReferenceBackend::batch_norm_backward(other, dy, x, gamma, saved, dx, dresidual, dgamma, dbeta);
  }
};
/// dx without one of its three terms: adds what the rule subtracts.
template <bool kMean>
struct BatchNormTermDropped : ReferenceBackend {
  void batch_norm_backward(const BatchNormOptions& options, const Tensor& dy, const Tensor& x, const Tensor& gamma,
                           const BatchNormSaved& saved, Tensor& dx, Tensor& dresidual, Tensor& dgamma,
                           Tensor& dbeta) override {
    ReferenceBackend::batch_norm_backward(options, dy, x, gamma, saved, dx, dresidual, dgamma, dbeta);
    require(options.groups == 1, "a sabotage for one group");
    const std::int64_t channels = x.dim(3), rows = x.size() / channels;
    for (std::int64_t i = 0; i < x.size(); ++i) {
      const std::int64_t c = i % channels;
      const double inv_std = saved.inv_std.data<double>()[c];
      const double normal = (x.data<double>()[i] - saved.mean.data<double>()[c]) * inv_std;
      const double term = kMean ? dbeta.data<double>()[c] : normal * dgamma.data<double>()[c];
      dx.data<double>()[i] += gamma.data<double>()[c] * inv_std * term / static_cast<double>(rows);
    }
  }
};

/// Overlapping windows: the last one's gradient instead of their sum.
struct MaxPoolOverwrites : ReferenceBackend {
  void max_pool_backward(const Pool2dGeometry& z, const Tensor& dy, const Tensor& argmax, Tensor& dx) override {
    Tensor one = empty(dy.shape(), DType::f64), part = empty(dx.shape(), DType::f64);
    fill(dx, 0);
    for (std::int64_t i = 0; i < dy.size(); ++i) {
      if (dy.data<double>()[i] == 0) continue;
      fill(one, 0);
      one.data<double>()[i] = dy.data<double>()[i];
      ReferenceBackend::max_pool_backward(z, one, argmax, part);
      for (std::int64_t j = 0; j < dx.size(); ++j)
        if (part.data<double>()[j] != 0) dx.data<double>()[j] = part.data<double>()[j];
    }
  }
};

/// Squares that the border cuts as if they were whole.
struct AverageOfWholeSquares : ReferenceBackend {
  void average_squares_backward(std::int64_t side, const Tensor& dy, Tensor& dx) override {
    ReferenceBackend::average_squares_backward(side, dy, dx);
    const std::int64_t height = dx.dim(1), width = dx.dim(2);
    for (std::int64_t i = 0; i < dx.size(); ++i) {
      const std::int64_t at = i / dx.dim(3), h = at / width % height, w = at % width;
      const std::int64_t rows = std::min(side, height - h / side * side),
                         columns = std::min(side, width - w / side * side);
      dx.data<double>()[i] *= static_cast<double>(rows * columns) / static_cast<double>(side * side);
    }
  }
};

struct RowsNotCleared : ReferenceBackend {
  void fill(Tensor& x, double value) override {
    ReferenceBackend::fill(x, value);
    if (value == 0) std::fill_n(x.data<double>(), x.size(), 1.0);
  }
};

struct SoftmaxTargetDropped : ReferenceBackend {
  void softmax_cross_entropy(const Tensor& logits, const Tensor& labels, double smoothing, Tensor& loss,
                             Tensor& dlogits) override {
    ReferenceBackend::softmax_cross_entropy(logits, labels, smoothing, loss, dlogits);
    for (std::int64_t i = 0; i < labels.size(); ++i)
      dlogits.data<double>()[i * logits.dim(1) + labels.data<std::int32_t>()[i]] +=
          1.0 / static_cast<double>(labels.size());
  }
};
struct SoftmaxSmoothingForgotten : ReferenceBackend {
  void softmax_cross_entropy(const Tensor& logits, const Tensor& labels, double smoothing, Tensor& loss,
                             Tensor& dlogits) override {
    Tensor other = empty({1}, DType::f64);
    ReferenceBackend::softmax_cross_entropy(logits, labels, smoothing, loss, dlogits);
    ReferenceBackend::softmax_cross_entropy(logits, labels, 0, other, dlogits);
  }
};

void add_distortions(std::vector<Sabotage>& all) {
  const struct {
    const char *output, *op_case;
    bool one_number, matrix;  ///< whether it is a single number; whether it has rows to transpose
    int call = 0;             ///< of Distorted
  } outputs[] = {
      {"conv2d_grad_input dx", "conv2d 3x3", false, true},
      {"conv2d_grad_weight dw", "conv2d 3x3", false, true},
      {"conv2d_grad_input dx", "conv2d in groups", false, true},
      {"conv2d_grad_weight dw", "conv2d in groups", false, true},
      {"linear_grad_input dx", "linear", false, true},
      {"linear_grad_weight dw", "linear", false, true},
      {"linear_grad_weight db", "linear", false, false},
      {"batch_norm_backward dx", "batch norm in groups with residual with relu", false, true},
      {"batch_norm_backward dresidual", "batch norm in groups with residual with relu", false, true},
      {"batch_norm_backward dgamma", "batch norm in groups with residual with relu", false, false},
      {"batch_norm_backward dbeta", "batch norm in groups with residual with relu", false, false},
      {"relu_backward dx", "relu", false, true},
      {"max_pool_backward dx", "max pool", false, true},
      {"average_squares_backward dx", "average pool", false, true},
      {"average_pool_backward dx", "global average pool", false, true},
      {"softmax_cross_entropy dlogits", "softmax with smoothing", false, true},
      {"binary", "softmax", false, true, 1},
      {"binary", "weighted sum", true, false, 1},
      {"affine", "affine", false, true, 2},
      {"affine", "sub", false, true, 1},
      {"binary", "mul", false, true, 2},
      {"binary", "mul", false, true, 3},
      {"reduce", "mul repeated", true, false, 1},
      {"binary", "div", false, true, 2},
      {"binary", "div", false, true, 3},
      {"binary", "div", false, true, 4},
      {"affine", "div", false, true, 1},
      {"reduce", "add repeated", true, false, 1},
      {"binary", "exp", false, true, 1},
      {"binary", "log", false, true, 1},
      {"binary", "sqrt", false, true, 1},
      {"affine", "sqrt", false, true, 1},
      {"binary", "sum over rows", false, true, 1},
      {"binary", "sum over columns", false, true, 1},
      {"affine", "mean over rows", false, false, 2},
      {"affine", "mean over all", true, false, 2},
      {"reduce", "max over columns", true, false, 2},
      {"binary", "max over columns", false, false, 2},
      {"binary", "max over columns", false, true, 3},
      {"matmul", "matmul", false, true, 2},
      {"matmul", "matmul", false, true, 3},
      {"matmul", "matmul a' b'", false, true, 2},
      {"matmul", "matmul a' b'", false, true, 3},
      {"scatter_add_rows", "gather_rows", false, true, 1},
      {"relu_backward dx", "contrastive hadsell", false, false},
      {"relu_backward dx", "contrastive legacy", false, false},
      {"binary", "scale images", false, true, 2},
      {"copy to", "rows", false, true},
      {"add in place", "residual block", false, true},
  };
  for (const auto& row : outputs)
    for (const NamedDistortion& distortion : distortions()) {
      if (row.one_number && !distortion.fits_one_number) continue;
      if (!row.matrix && std::string(distortion.name) == "transposed") continue;
      all.push_back({fmt::format("{} call {}: {}", row.output, row.call, distortion.name), row.op_case,
                     std::make_shared<Distorted>(row.output, row.call, distortion.apply)});
    }
}

}  // namespace

std::shared_ptr<Backend> make_honest_backend() { return std::make_shared<Distorted>("", 0, nullptr); }

std::vector<Sabotage> all_sabotages() {
  std::vector<Sabotage> all;
  add_distortions(all);
  all.push_back({"convolution: padding off by one", "conv2d 3x3", std::make_shared<ConvPaddingForgotten>()});
  all.push_back({"convolution: stride forgotten", "conv2d 3x3", std::make_shared<ConvStrideForgotten>()});
  all.push_back({"batch norm: mask forgotten", "batch norm with relu", std::make_shared<BatchNormMaskForgotten>()});
  all.push_back({"batch norm: groups forgotten", "batch norm in groups", std::make_shared<BatchNormGroupsForgotten>()});
  all.push_back({"batch norm: fixed statistics forgotten", "batch norm of fixed statistics in groups",
                 std::make_shared<BatchNormFixedForgotten>()});
  all.push_back({"batch norm: mean term dropped", "batch norm", std::make_shared<BatchNormTermDropped<true>>()});
  all.push_back({"batch norm: variance term dropped", "batch norm", std::make_shared<BatchNormTermDropped<false>>()});
  all.push_back({"max pool: windows overwrite", "max pool", std::make_shared<MaxPoolOverwrites>()});
  all.push_back({"average pool: all squares whole", "average pool", std::make_shared<AverageOfWholeSquares>()});
  all.push_back({"rows: the rest not cleared", "rows", std::make_shared<RowsNotCleared>()});
  all.push_back({"softmax: target dropped", "softmax", std::make_shared<SoftmaxTargetDropped>()});
  all.push_back(
      {"softmax: smoothing forgotten", "softmax with smoothing", std::make_shared<SoftmaxSmoothingForgotten>()});
  return all;
}

}  // namespace tandem::test
