#include "core/ops/record.h"

namespace tandem::ops {

Variable linear(Context& context, const Variable& x, const Variable& w, const Variable& b) {
  const Shape& in = x.shape();
  const Shape& weight = w.shape();
  require(in.rank() == 2 && weight.rank() == 2 && in[1] == weight[1] && b.shape() == Shape{weight[0]},
          "linear: x {}, w {}, b {}, expected (N, C), (K, C), (K)", in, weight, b.shape());
  const DType real = x.value().dtype();
  require(is_real(real) && w.value().dtype() == real && b.value().dtype() == real,
          "linear: x {}, w {}, b {}, expected f32 or f64 throughout", real, w.value().dtype(), b.value().dtype());
  Backend& backend = context.backend;
  Tensor y = backend.empty({in[0], weight[0]}, real);
  backend.linear_forward(x.value(), w.value(), b.value(), y);
  Variable output = make_output(context, std::move(y), {&x, &w, &b});
  if (output.wants_gradient())
    context.tape->record(output, [&backend, saved_x = x.value(), saved_w = w.value(), slot_x = x.slot(),
                                  slot_w = w.slot(), slot_b = b.slot()](const Tensor& dy) {
      if (slot_w || slot_b) {
        Tensor dw = backend.empty(saved_w.shape(), saved_w.dtype());
        Tensor db = backend.empty({saved_w.dim(0)}, saved_w.dtype());
        backend.linear_grad_weight(saved_x, dy, dw, db);
        if (slot_w) slot_w->add(backend, std::move(dw));
        if (slot_b) slot_b->add(backend, std::move(db));
      }
      if (slot_x) {
        Tensor dx = backend.empty(saved_x.shape(), saved_x.dtype());
        backend.linear_grad_input(dy, saved_w, dx);
        slot_x->add(backend, std::move(dx));
      }
    });
  return output;
}

}  // namespace tandem::ops
