#include "core/autograd/autograd.h"

namespace tandem {

void GradientSlot::add(Backend& backend, Tensor gradient) {
  require(gradient.shape() == shape_ && gradient.dtype() == dtype_, "gradient: got {} {}, expected {} {}",
          gradient.dtype(), gradient.shape(), dtype_, shape_);
  if (!value_) {
    value_ = std::move(gradient);
    return;
  }
  // A gradient may still be shared with another slot (add passes its own on to both inputs): then sum into new memory.
  Tensor sum = value_.unique() ? value_ : gradient.unique() ? gradient : backend.empty(shape_, dtype_);
  backend.add(value_, gradient, sum);
  value_ = std::move(sum);
}

Variable Variable::with_gradient(Tensor value) {
  Variable variable(std::move(value));
  variable.slot_ = std::make_shared<GradientSlot>(variable.shape(), variable.value_.dtype());
  return variable;
}

void Tape::record(const Variable& output, Rule rule) { entries_.push_back({output.slot(), std::move(rule)}); }

void Tape::backward(Backend& backend, const Variable& loss, const Tensor& seed) {
  require(loss.shape() == Shape{1}, "backward: the loss has shape {}, expected (1)", loss.shape());
  require(loss.wants_gradient(), "backward: the loss depends on nothing that wants a gradient");
  Tensor first = seed;
  if (!first) {
    first = backend.empty({1}, loss.value().dtype());
    backend.fill(first, 1.0);
  }
  loss.slot()->add(backend, std::move(first));
  while (!entries_.empty()) {
    Entry entry = std::move(entries_.back());
    entries_.pop_back();
    if (Tensor dy = entry.output->take()) entry.rule(std::move(dy));
  }
}

}  // namespace tandem
