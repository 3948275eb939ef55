#include "core/ops/record.h"

namespace tandem::ops {
namespace {

void check(const Context& context, const Variable& x, const BatchNormParameters& p, const Variable& residual) {
  const Shape& in = x.shape();
  require(in.rank() == 4, "batch_norm: x {}, expected (N, H, W, C)", in);
  const Shape channels{in[3]};
  require(p.gamma.shape() == channels && p.beta.shape() == channels && p.running_mean.shape() == channels &&
              p.running_var.shape() == channels,
          "batch_norm: parameters of {} channels for x {}", p.gamma.shape(), in);
  const DType real = param_dtype(x.value().dtype());
  for (const Tensor& parameter : {p.gamma.value(), p.beta.value(), p.running_mean, p.running_var})
    require(parameter.dtype() == real, "batch_norm: a parameter {} for x {}, expected {}", parameter.dtype(),
            x.value().dtype(), real);
  require(!residual.value() || (residual.shape() == in && residual.value().dtype() == x.value().dtype()),
          "batch_norm: a residual unlike x {}", in);
  require(!context.training || in[0] % context.groups == 0, "batch_norm: {} images do not make {} equal groups", in[0],
          context.groups);
  require(context.training || !context.tape, "batch_norm: no gradient with running statistics");
}

Variable evaluate(Context& context, const Variable& x, const BatchNormParameters& p, const BatchNormOptions& options,
                  const Variable& residual) {
  Tensor y = context.backend.empty(x.shape(), x.value().dtype());
  context.backend.batch_norm_forward_eval(options, x.value(), residual.value(), p.gamma.value(), p.beta.value(),
                                          p.running_mean, p.running_var, y);
  return y;
}

}  // namespace

Variable batch_norm(Context& context, const Variable& x, BatchNormParameters& p, Activation activation,
                    const Variable& residual) {
  check(context, x, p, residual);
  // Fixed statistics are those of all groups.
  const BatchNormOptions options{p.fixed_statistics ? 1 : context.groups, p.eps, p.momentum,
                                 activation == Activation::relu, p.fixed_statistics};
  const bool recorded = context.tape && (x.wants_gradient() || p.gamma.wants_gradient() || p.beta.wants_gradient() ||
                                         residual.wants_gradient());
  if (!context.training || (p.fixed_statistics && !recorded)) return evaluate(context, x, p, options, residual);

  Backend& backend = context.backend;
  const Shape shape = x.shape();
  const std::int64_t channels = shape[3];
  const DType real = p.gamma.value().dtype();
  BatchNormSaved saved{
      backend.empty({options.groups, channels}, real), backend.empty({options.groups, channels}, real),
      options.relu ? backend.empty({shape[0] * shape[1] * shape[2], (channels + 7) / 8}, DType::u8) : Tensor()};
  Tensor y = backend.empty(shape, x.value().dtype());
  backend.batch_norm_forward_train(options, x.value(), residual.value(), p.gamma.value(), p.beta.value(),
                                   p.running_mean, p.running_var, y, saved);
  Variable output = make_output(context, std::move(y), {&x, &p.gamma, &p.beta, &residual});
  if (output.wants_gradient())
    context.tape->record(output, [&backend, options, saved = std::move(saved), saved_x = x.value(),
                                  gamma = p.gamma.value(), slot_x = x.slot(), slot_gamma = p.gamma.slot(),
                                  slot_beta = p.beta.slot(), slot_residual = residual.slot()](Tensor dy) {
      // One of the two large outputs is written over dy if no other tensor shares its memory.
      const bool reuse = dy.unique();
      Tensor dresidual, dx;
      if (slot_residual) dresidual = reuse ? dy : backend.empty(dy.shape(), dy.dtype());
      dx = reuse && !slot_residual ? dy : backend.empty(dy.shape(), dy.dtype());
      Tensor dgamma = backend.empty(gamma.shape(), gamma.dtype());
      Tensor dbeta = backend.empty(gamma.shape(), gamma.dtype());
      backend.batch_norm_backward(options, dy, saved_x, gamma, saved, dx, dresidual, dgamma, dbeta);
      dy = Tensor();
      if (slot_residual) slot_residual->add(backend, std::move(dresidual));
      if (slot_x) slot_x->add(backend, std::move(dx));
      if (slot_gamma) slot_gamma->add(backend, std::move(dgamma));
      if (slot_beta) slot_beta->add(backend, std::move(dbeta));
    });
  return output;
}

}  // namespace tandem::ops
