#include "core/ops/record.h"

namespace tandem::ops {
namespace {

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
                           backend.scale(dlogits, dy, dlogits);
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
  Backend& backend = context.backend;
  Tensor loss = backend.empty({1}, real);
  Tensor distance = backend.empty({in[0]}, real);
  backend.contrastive_forward(options, a.value(), b.value(), labels_a, labels_b, distance, loss);
  Variable output = make_output(context, std::move(loss), {&a, &b});
  if (output.wants_gradient())
    context.tape->record(
        output, [&backend, options, a = a.value(), b = b.value(), labels_a, labels_b, distance = std::move(distance),
                 slot_a = a.slot(), slot_b = b.slot()](const Tensor& dy) {
          Tensor da = backend.empty(a.shape(), a.dtype());
          Tensor db = backend.empty(a.shape(), a.dtype());
          backend.contrastive_backward(options, a, b, labels_a, labels_b, distance, dy, da, db);
          if (slot_a) slot_a->add(backend, std::move(da));
          if (slot_b) slot_b->add(backend, std::move(db));
        });
  return output;
}

}  // namespace tandem::ops
