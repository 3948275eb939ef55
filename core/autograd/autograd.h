#pragma once
// Reverse-mode differentiation on a define-by-run tape.
//
// A Variable is a tensor and, if someone wants its gradient, a slot for it. A differentiable op computes its output and
// records one rule on the tape: given the gradient of the output, add to the slots of the inputs. The rule owns what it
// needs for that and nothing else. backward() destroys each rule after it has run, and with it the activations it held.

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "core/backend/backend.h"

namespace tandem {

/// Where a variable's gradient accumulates.
class GradientSlot {
 public:
  GradientSlot(const Shape& shape, DType dtype) : shape_(shape), dtype_(dtype) {}

  /// Adds a gradient; its shape and type must be the variable's. The first one is kept as it is, without a copy.
  void add(Backend& backend, Tensor gradient);
  const Tensor& value() const { return value_; }
  /// Moves the gradient out: undefined if there was none.
  Tensor take() { return std::exchange(value_, Tensor()); }
  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }

 private:
  Shape shape_;
  DType dtype_;
  Tensor value_;
};

class Variable {
 public:
  Variable() = default;
  /// A variable that needs no gradient.
  Variable(Tensor value) : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor): data is a variable
  /// A variable with a slot for its gradient.
  static Variable with_gradient(Tensor value);

  /// Ends, or begins, to want a gradient. What has been recorded with the variable remains as it was.
  void freeze() { slot_.reset(); }
  void unfreeze() {
    if (!slot_) *this = with_gradient(value_);
  }

  const Tensor& value() const { return value_; }
  Tensor& value() { return value_; }
  const Shape& shape() const { return value_.shape(); }
  bool wants_gradient() const { return slot_ != nullptr; }
  const std::shared_ptr<GradientSlot>& slot() const { return slot_; }
  /// The accumulated gradient; undefined if none has arrived. Only of a variable that wants one.
  const Tensor& gradient() const { return slot_->value(); }

 private:
  Tensor value_;
  std::shared_ptr<GradientSlot> slot_;
};

class Tape {
 public:
  /// What an op does with its output's gradient. It may overwrite dy if dy.unique().
  using Rule = std::function<void(Tensor dy)>;

  void record(const Variable& output, Rule rule);
  /// Runs the rules from the last to the first, beginning with d loss = `seed`, or 1 if it is undefined, and leaves the
  /// tape empty. loss and seed have shape (1) and one type.
  void backward(Backend& backend, const Variable& loss, const Tensor& seed = {});
  std::size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::shared_ptr<GradientSlot> output;
    Rule rule;
  };
  std::vector<Entry> entries_;
};

}  // namespace tandem
