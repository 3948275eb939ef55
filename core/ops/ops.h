#pragma once
// Differentiable ops of a network; those that new losses are composed of are in core/ops/arithmetic.h. Each checks its
// arguments, allocates its output, calls the backend, and records its gradient rule; core/ops/X.cpp holds op X's
// forward and rule side by side. Shapes: core/tensor/shape.h's letters, types: core/backend/kernels.h's T. Bad
// arguments throw Error: op, got, expected.

#include <vector>

#include "core/autograd/context.h"

namespace tandem {

enum class ContrastiveForm {
  hadsell,  ///< max(margin - d, 0)^2
  legacy    ///< max(margin - d^2, 0)
};

/// Over which pairs the two parts of a contrastive loss are averaged.
enum class PairAverage {
  all,     ///< both parts over all pairs
  nonzero  ///< each part over those of its own pairs that it is above 0 for
};

struct ContrastiveOptions {
  double margin = 1.0;
  ContrastiveForm form = ContrastiveForm::hadsell;
  double positive_margin = 0;  ///< pairs of one label that are nearer are left alone
  PairAverage average = PairAverage::all;
};

/// Pairs at distances d, as 1 or 0 for each; a pair that is in neither does not count. Without a gradient.
struct PairMasks {
  Tensor same;       ///< real, in the shape of the distances
  Tensor different;  ///< likewise
};

namespace ops {

/// x (N, H, W, C) T, w (K, R, S, C / G) real; (N, H', W', K) T. In G groups, which divide K and C: the first K / G
/// filters see the first C / G channels alone, and so on. No bias: batch norm follows.
Variable conv2d(Context& context, const Variable& x, const Variable& w, const Conv2dGeometry& geometry);

/// x (N, C), w (K, C), b (K); (N, K) = x w' + b, all real.
Variable linear(Context& context, const Variable& x, const Variable& w, const Variable& b);

struct BatchNormParameters {
  Variable gamma, beta;              ///< (C) real
  Tensor running_mean, running_var;  ///< (C) real, updated in training
  double eps = 1e-5;
  double momentum = 0.1;
  bool fixed_statistics = false;  ///< in training too the running statistics are used, and do not change
};
enum class Activation { none, relu };

/// activation(batch_norm(x) + residual), x and residual (N, H, W, C) T; residual may be undefined. In training with
/// the statistics of each of the context's groups, unless they are fixed; otherwise with the running ones (then no
/// gradient is recorded).
Variable batch_norm(Context& context, const Variable& x, BatchNormParameters& parameters, Activation activation,
                    const Variable& residual = {});

/// A convolution and the batch norm behind it, folded into weights w (K, R, S, C) and a bias b (K), all real.
struct FoldedConvolution {
  Tensor w, b;
};
FoldedConvolution fold(Backend& backend, const Tensor& w, const BatchNormParameters& parameters);
/// activation(batch_norm(conv2d(x)) + residual) with running statistics: x (N, H, W, C) T; (N, H', W', K) T. No
/// gradient. A residual whose memory is not shared is overwritten.
Variable conv2d_folded(Context& context, const Variable& x, const FoldedConvolution& folded,
                       const Conv2dGeometry& geometry, Activation activation, Variable residual = {});

Variable relu(Context& context, const Variable& x);
/// a + b, both T, of one shape; real tensors of different shapes are repeated as core/ops/arithmetic.h says.
Variable add(Context& context, const Variable& a, const Variable& b);

/// x (N, ...) T, each image times its factor; factors (N) real, without a gradient.
Variable scale_images(Context& context, const Variable& x, const Tensor& factors);

/// x (N, H, W, C) T; (N, H', W', C) T.
Variable max_pool(Context& context, const Variable& x, const Pool2dGeometry& geometry);
/// Mean over height and width: x (N, H, W, C) T; (N, C) real.
Variable global_average_pool(Context& context, const Variable& x);
/// Means of squares of `side` pixels, side by side: x (N, H, W, C) T; (N, ceil(H / side), ceil(W / side), C) T. Squares
/// at the bottom and at the right have what is left. PyTorch's avg_pool2d(x, side, ceil_mode=True,
/// count_include_pad=False).
Variable average_pool(Context& context, const Variable& x, std::int64_t side);

/// Rows [begin, end) of dimension 0, sharing memory with x: a tower's part of a stacked batch.
Variable rows(Context& context, const Variable& x, std::int64_t begin, std::int64_t end);

/// Mean cross-entropy of softmax(logits (N, K) real) against labels (N) i32; (1). Formula: core/backend/kernels.h.
Variable softmax_cross_entropy(Context& context, const Variable& logits, const Tensor& labels, double smoothing = 0.0);

/// Contrastive loss of pairs with squared distances d^2 real, of any shape; (1). With y = 1 for a pair in masks.same, 0
/// for one in masks.different, P the number of both, and p the positive margin:
///   pull = d^2 where p = 0, otherwise max(d - p, 0)^2
///   push = hadsell: max(margin - d, 0)^2    (Hadsell, Chopra, LeCun 2006)
///          legacy:  max(margin - d^2, 0)    (Caffe's legacy_version)
///   average all:     1/2 (sum y pull + sum (1 - y) push) / P
///   average nonzero: 1/2 (sum y pull / count(y pull > 0) + sum (1 - y) push / count((1 - y) push > 0)), where a count
///                    of 0 is taken as 1
/// The gradient of d is that of d^2 over 2 (d + 1e-4): 1e-4 guards d = 0, as Caffe does.
Variable contrastive(Context& context, const Variable& squared_distances, const PairMasks& masks,
                     const ContrastiveOptions& options);

/// The same of the pairs of embeddings a, b (P, D) real, row by row, with labels_a, labels_b (P) i32.
Variable contrastive(Context& context, const Variable& a, const Variable& b, const Tensor& labels_a,
                     const Tensor& labels_b, const ContrastiveOptions& options);

/// sum of weights[i] * terms[i], each term (1) real, weights (n) real; (1). The gradient reads the weights when it is
/// computed.
Variable weighted_sum(Context& context, const std::vector<Variable>& terms, const Tensor& weights);

}  // namespace ops
}  // namespace tandem
