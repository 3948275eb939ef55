#include "core/ops/arithmetic.h"
#include "core/ops/record.h"

namespace tandem::ops {
namespace {

constexpr double kDistanceGuard = 1e-4;  // Caffe's: keeps (a - b) / d finite at d = 0

void check_labels(const char* op, const Tensor& labels, std::int64_t n) {
  require(labels.shape() == Shape{n} && labels.dtype() == DType::i32, "{}: labels {} {}, expected i32 ({})", op,
          labels.dtype(), labels.shape(), n);
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
  const auto positive_part = [&](const Variable& x) { return relu(context, affine(context, x, -1, options.margin)); };
  const Variable difference = sub(context, a, b);
  const Variable squared = sum(context, mul(context, difference, difference), Over::columns);  // d^2, (P, 1)
  Variable apart = squared;
  if (options.form == ContrastiveForm::legacy) {
    apart = positive_part(squared);
  } else {
    const Variable gap = positive_part(sqrt(context, squared, kDistanceGuard));
    apart = mul(context, gap, gap);
  }
  const Tensor same = equal(context, labels_a.reshape({pairs, 1}), labels_b.reshape({pairs, 1}), real);
  const Variable different = affine(context, same, -1, 1);
  const Variable both = add(context, mul(context, squared, same), mul(context, apart, different));
  return scale(context, sum(context, both, Over::all), 0.5 / static_cast<double>(pairs));
}

}  // namespace tandem::ops
