#pragma once
// Compares a few training steps from formula weights with the reference figures of a fixture file.

#include <nlohmann/json.hpp>
#include <string>

#include "core/backend/backend.h"

namespace tandem {

/// The largest deviation of one group of figures, relative to max(norm of the reference, 1e-3), and where it was.
struct Deviation {
  double value = 0;
  std::string where;

  void include(double difference, double norm, const std::string& name);
};

struct FixtureResult {
  Deviation losses;        ///< of all steps
  Deviation first_losses;  ///< of the first step
  Deviation grads;         ///< norms and inner products, first step
  Deviation after_step0;   ///< the same of parameters and buffers after the first update
  Deviation eval_after;    ///< logits and embedding norms of stream A after the last update
};

/// Runs the fixture with activations of type `compute`. InputError for a file of another form.
FixtureResult run_fixture(Backend& backend, DType compute, const nlohmann::json& fixture);
nlohmann::ordered_json to_json(const FixtureResult& result);

}  // namespace tandem
