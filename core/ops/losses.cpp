#include "core/ops/arithmetic.h"
#include "core/ops/record.h"

namespace tandem::ops {
namespace {

constexpr double kDistanceGuard = 1e-4;  // Caffe's: keeps (a - b) / d finite at d = 0

void check_labels(const char* op, const Tensor& labels, std::int64_t n) {
  require(labels.shape() == Shape{n} && labels.dtype() == DType::i32, "{}: labels {} {}, expected i32 ({})", op,
          labels.dtype(), labels.shape(), n);
}

/// The sum of x, which is nowhere below 0, over the number of its elements above 0, or over 1.
Variable mean_of_nonzero(Context& context, const Variable& x) {
  Backend& backend = context.backend;
  Tensor ones = backend.empty({1}, x.value().dtype());
  backend.fill(ones, 1);
  Tensor counted = backend.empty(x.shape(), x.value().dtype());
  backend.binary(BinaryOp::gate, x.value(), ones, counted);
  const Variable count = sum(context, counted, Over::all);
  return div(context, sum(context, x, Over::all), affine(context, relu(context, affine(context, count, 1, -1)), 1, 1));
}

}  // namespace

Variable softmax_cross_entropy(Context& context, const Variable& logits, const Tensor& labels, double smoothing) {
  const Shape& in = logits.shape();
  require(in.rank() == 2 && in.size() > 0, "softmax_cross_entropy: logits {}, expected (N, K)", in);
  const DType real = logits.value().dtype();
  require(is_real(real), "softmax_cross_entropy: logits {}, expected f32 or f64", real);
  check_labels("softmax_cross_entropy", labels, in[0]);
  Backend& backend = context.backend;
  Tensor loss = backend.empty({1}, real);
  Tensor dlogits = backend.empty(in, real);
  backend.softmax_cross_entropy(logits.value(), labels, smoothing, loss, dlogits);
  Variable output = make_output(context, std::move(loss), {&logits});
  if (output.wants_gradient())
    context.tape->record(output,
                         [&backend, dlogits = std::move(dlogits), slot = logits.slot()](const Tensor& dy) mutable {
                           backend.binary(BinaryOp::multiply, dlogits, dy, dlogits);
                           slot->add(backend, std::move(dlogits));
                         });
  return output;
}

Variable contrastive(Context& context, const Variable& squared_distances, const PairMasks& masks,
                     const ContrastiveOptions& options) {
  const auto above = [&](const Variable& x, double factor, double shift) {
    return relu(context, affine(context, x, factor, shift));
  };
  const auto square = [&](const Variable& x) { return mul(context, x, x); };
  const bool with_root = options.form == ContrastiveForm::hadsell || options.positive_margin > 0;
  const Variable distances = with_root ? sqrt(context, squared_distances, kDistanceGuard) : Variable();
  const Variable pull =
      options.positive_margin > 0 ? square(above(distances, 1, -options.positive_margin)) : squared_distances;
  const Variable push = options.form == ContrastiveForm::legacy ? above(squared_distances, -1, options.margin)
                                                                : square(above(distances, -1, options.margin));
  const Variable same = mul(context, pull, masks.same), different = mul(context, push, masks.different);
  if (options.average == PairAverage::nonzero)
    return scale(context, add(context, mean_of_nonzero(context, same), mean_of_nonzero(context, different)), 0.5);
  const Variable pairs = sum(context, add(context, Variable(masks.same), masks.different), Over::all);
  return scale(context, div(context, sum(context, add(context, same, different), Over::all), pairs), 0.5);
}

Variable contrastive(Context& context, const Variable& a, const Variable& b, const Tensor& labels_a,
                     const Tensor& labels_b, const ContrastiveOptions& options) {
  const Shape& in = a.shape();
  require(in.rank() == 2 && in.size() > 0 && b.shape() == in, "contrastive: a {} and b {}, expected (P, D) twice", in,
          b.shape());
  const DType real = a.value().dtype();
  require(is_real(real) && b.value().dtype() == real, "contrastive: a {} and b {}, expected f32 or f64 twice", real,
          b.value().dtype());
  check_labels("contrastive", labels_a, in[0]);
  check_labels("contrastive", labels_b, in[0]);
  const std::int64_t pairs = in[0];
  const Variable difference = sub(context, a, b);
  const Variable squared = sum(context, mul(context, difference, difference), Over::columns);  // d^2, (P, 1)
  const Tensor same = equal(context, labels_a.reshape({pairs, 1}), labels_b.reshape({pairs, 1}), real);
  return contrastive(context, squared, {same, affine(context, same, -1, 1).value()}, options);
}

}  // namespace tandem::ops
