#pragma once
// The one table of op cases. Each draws random inputs of random shapes and runs a differentiable op of core/ops on
// them, on any backend and in any type; the same table drives gradient checks, sabotage and the comparison of two
// backends.
//
// Inputs are chosen so that every type computes with the same numbers and no two results are told apart by rounding:
// activations are numbers that bfloat16 holds, real inputs numbers that f32 holds, and no input lies at a kink (a
// ReLU's 0, two equal candidates of a maximum, a pair at the margin), where a gradient jumps.

#include <functional>
#include <string>
#include <vector>

#include "core/base/rng.h"
#include "core/ops/ops.h"

namespace tandem::test {

/// A tensor's elements on the host.
struct HostTensor {
  Shape shape;
  std::vector<double> values;
};

/// The type an input has: T, or param_dtype(T).
enum class Role { activation, real };

struct OpInput {
  std::string name;
  Role role;
  HostTensor value;
};

struct OpOutput {
  Variable y;
  std::vector<Tensor> state;  ///< what else the op updated: running statistics
};

/// One random instance of a case. `forward` may be called often, and gives the same result for the same inputs.
struct OpInstance {
  std::vector<OpInput> inputs;  ///< each is differentiated
  std::int64_t groups = 1;      ///< of the context
  std::function<OpOutput(Context& context, const std::vector<Variable>& inputs)> forward;
};

struct OpCase {
  std::string name;
  std::function<OpInstance(Random& random)> make;
};

const std::vector<OpCase>& op_cases();
/// The case of that name; throws if there is none.
const OpCase& op_case(const std::string& name);

}  // namespace tandem::test
