#include "core/ops/record.h"

namespace tandem::ops {

namespace {

Shape output_shape(const Tensor& x, const Tensor& w, const Conv2dGeometry& geometry) {
  const Shape &in = x.shape(), &window = w.shape();
  const std::int64_t groups = geometry.groups;
  require(groups > 0 && in.rank() == 4 && window.rank() == 4 && in[3] == groups * window[3] && window[0] % groups == 0,
          "conv2d: x {} and w {} in {} groups, expected (N, H, W, C) and (K, R, S, C / groups)", in, window, groups);
  require(w.dtype() == param_dtype(x.dtype()), "conv2d: w {} for x {}, expected {}", w.dtype(), x.dtype(),
          param_dtype(x.dtype()));
  const Shape out{in[0], geometry.output(in[1], window[1]), geometry.output(in[2], window[2]), window[0]};
  require(out[1] > 0 && out[2] > 0, "conv2d: x {} is smaller than the window of w {}", in, window);
  return out;
}

}  // namespace

Variable conv2d(Context& context, const Variable& x, const Variable& w, const Conv2dGeometry& geometry) {
  const Shape& in = x.shape();
  const Shape out = output_shape(x.value(), w.value(), geometry);
  Backend& backend = context.backend;
  Tensor y = backend.empty(out, x.value().dtype());
  backend.conv2d_forward(geometry, x.value(), w.value(), y);
  Variable output = make_output(context, std::move(y), {&x, &w});
  if (output.wants_gradient())
    context.tape->record(output, [&backend, geometry, in, saved_x = w.wants_gradient() ? x.value() : Tensor(),
                                  saved_w = w.value(), slot_x = x.slot(), slot_w = w.slot()](const Tensor& dy) mutable {
      if (slot_w) {
        Tensor dw = backend.empty(saved_w.shape(), saved_w.dtype());
        backend.conv2d_grad_weight(geometry, saved_x, dy, dw);
        slot_w->add(backend, std::move(dw));
        saved_x = Tensor();  // its memory can serve for dx
      }
      if (slot_x) {
        Tensor dx = backend.empty(in, dy.dtype());
        backend.conv2d_grad_input(geometry, dy, saved_w, dx);
        slot_x->add(backend, std::move(dx));
      }
    });
  return output;
}

FoldedConvolution fold(Backend& backend, const Tensor& w, const BatchNormParameters& p) {
  FoldedConvolution folded{backend.empty(w.shape(), w.dtype()), backend.empty({w.dim(0)}, w.dtype())};
  backend.fold_batch_norm(p.eps, w, p.gamma.value(), p.beta.value(), p.running_mean, p.running_var, folded.w, folded.b);
  return folded;
}

Variable conv2d_folded(Context& context, const Variable& x, const FoldedConvolution& folded,
                       const Conv2dGeometry& geometry, Activation activation, Variable residual) {
  require(!context.training && !context.tape, "conv2d_folded: no training with running statistics");
  const Shape out = output_shape(x.value(), folded.w, geometry);
  const Tensor added = std::exchange(residual, {}).value();
  require(!added || (added.shape() == out && added.dtype() == x.value().dtype()),
          "conv2d_folded: a residual unlike the output {}", out);
  Backend& backend = context.backend;
  Tensor y = added && added.unique() ? added : backend.empty(out, x.value().dtype());
  backend.conv2d_inference(geometry, x.value(), folded.w, folded.b, added, activation == Activation::relu, y);
  return y;
}

}  // namespace tandem::ops
