#include "bench/fixture.h"

#include <algorithm>
#include <cmath>

#include "bench/formula.h"
#include "core/backend/host_copy.h"
#include "layers/initialise.h"
#include "train/loop/step_executor.h"

namespace tandem {
namespace {

using nlohmann::json;

struct Spec {
  TwinTowersOptions model;
  std::int64_t size, pairs, groups;
  double lr;
  SgdOptions sgd;
};

Spec read_spec(const json& f) {
  Spec spec;
  spec.model.backbone.name = f.at("arch").get<std::string>();
  spec.size = f.at("size").get<std::int64_t>();
  spec.pairs = f.at("pairs").get<std::int64_t>();
  const auto towers = f.at("towers").get<std::string>();
  if (towers != "separate" && towers != "stacked")
    fail_input("fixture: towers \"{}\", expected \"separate\" or \"stacked\"", towers);
  spec.groups = towers == "stacked" ? 1 : 2;
  spec.lr = f.at("lr").get<double>();
  spec.sgd = {f.at("momentum").get<double>(), false, f.at("weight_decay").get<double>()};
  constexpr std::int64_t kLargestSize = 4096, kMostPairs = 65536;
  if (spec.size < 1 || spec.pairs < 1 || spec.size > kLargestSize || spec.pairs > kMostPairs)
    fail_input("fixture: size {} and pairs {}, expected at least 1, and at most {} and {}", spec.size, spec.pairs,
               kLargestSize, kMostPairs);
  return spec;
}

/// Stream A's images, then stream B's, as (2N, H, W, 3) of the compute type.
Tensor make_images(Backend& backend, DType compute, const Spec& spec) {
  const std::int64_t area = spec.size * spec.size, each = spec.pairs * 3 * area;
  std::vector<float> images(static_cast<std::size_t>(2 * each));
  for (int stream = 0; stream < 2; ++stream) {
    const std::vector<float> u = formula_uniform(stream == 0 ? "input/a" : "input/b", each);
    for (std::int64_t i = 0; i < each; ++i) {  // NCHW to NHWC
      const std::int64_t n = i / (3 * area), c = i / area % 3, at = i % area;
      images[static_cast<std::size_t>(stream * each + (n * area + at) * 3 + c)] = u[static_cast<std::size_t>(i)];
    }
  }
  Tensor exact = backend.empty({2 * spec.pairs, spec.size, spec.size, 3}, param_dtype(compute));
  upload(backend, images, exact);
  if (exact.dtype() == compute) return exact;
  Tensor converted = backend.empty(exact.shape(), compute);
  backend.cast(exact, converted);
  return converted;
}

std::vector<std::int32_t> read_labels(const json& f, const Spec& spec) {
  std::vector<std::int32_t> labels;
  for (const char* stream : {"labels_a", "labels_b"}) {
    const auto own = f.at(stream).get<std::vector<std::int32_t>>();
    if (static_cast<std::int64_t>(own.size()) != spec.pairs)
      fail_input("fixture: {} {}, expected {}, one per pair", own.size(), stream, spec.pairs);
    for (const std::int32_t label : own)
      if (label < 0 || label >= spec.model.classes)
        fail_input("fixture: {} has {}, expected less than {} classes", stream, label, spec.model.classes);
    labels.insert(labels.end(), own.begin(), own.end());
  }
  return labels;
}

void compare_losses(const json& step, const LossValues& values, int number, FixtureResult& result) {
  const auto check = [&](const std::string& name, double value) {
    const double expected = step.at(name).get<double>();
    const std::string where = fmt::format("step {} {}", number, name);
    result.losses.include(std::abs(value - expected), std::abs(expected), where);
    if (number == 0) result.first_losses.include(std::abs(value - expected), std::abs(expected), where);
  };
  check("total", values.total);
  for (const LossValue& term : values.terms) check(term.name, term.value);
}

void compare_probe(const json& tensors, const char* figure, const std::string& name, const Probe& got,
                   Deviation& deviation) {
  const std::string reference = reference_name(name);
  if (!tensors.contains(reference) || !tensors[reference].contains(figure))
    fail_input("fixture: no \"{}\" of {}", figure, reference);
  const auto expected = tensors[reference][figure].get<std::vector<double>>();
  if (expected.size() != 2)
    fail_input("fixture: \"{}\" of {} has {} figures, expected norm and inner product", figure, reference,
               expected.size());
  deviation.include(std::abs(got.norm - expected.at(0)), expected.at(0), reference);
  deviation.include(std::abs(got.inner - expected.at(1)), expected.at(0), reference);
}

void compare_evaluation(Context& context, TwinTowers& model, const Tensor& images, const json& expected,
                        Deviation& deviation) {
  const TowerOutputs outputs = model.forward(context, images);
  const auto logits = download(context.backend, outputs.logits.value());
  const auto embeddings = download(context.backend, outputs.embeddings.value());
  std::vector<double> expected_logits;
  for (const auto& row : expected.at("logits"))
    for (const auto& v : row) expected_logits.push_back(v.get<double>());
  const auto norms = expected.at("embedding_norms").get<std::vector<double>>();
  if (expected_logits.size() != logits.size() || static_cast<std::int64_t>(norms.size()) != images.dim(0))
    fail_input("fixture: eval_after has {} logits and {} embedding norms, expected {} and {}", expected_logits.size(),
               norms.size(), logits.size(), images.dim(0));
  const auto norm = [](const double* v, std::size_t n) {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += v[i] * v[i];
    return std::sqrt(sum);
  };
  for (std::size_t i = 0; i < logits.size(); ++i)
    deviation.include(std::abs(logits[i] - expected_logits[i]), norm(expected_logits.data(), logits.size()), "logits");
  const std::size_t dims = embeddings.size() / norms.size();
  for (std::size_t i = 0; i < norms.size(); ++i)
    deviation.include(std::abs(norm(embeddings.data() + i * dims, dims) - norms[i]), norms[i], "embedding_norms");
}

/// SGD that compares the gradients of the first update with the fixture before it drops them.
class ComparingSgd final : public Sgd {
 public:
  /// The reference program decays every parameter. Keeps references to all but the options.
  ComparingSgd(Backend& backend, TwinTowers& model, const SgdOptions& options, const json& tensors,
               Deviation& deviation)
      : Sgd(backend, model, options, {.decay = Decay::all}), model_(model), tensors_(tensors), deviation_(deviation) {}

  void update(const UpdateInputs& inputs) override {
    if (!compared_)
      for (const NamedTensor& p : model_.parameters())
        compare_probe(tensors_, "grad", p.name, probe(backend(), p.name, p.parameter->gradient()), deviation_);
    compared_ = true;
    Sgd::update(inputs);
  }

 private:
  TwinTowers& model_;
  const json& tensors_;
  Deviation& deviation_;
  bool compared_ = false;
};

/// Steps as a run makes them, on images that pixels of 8 bits cannot hold: whatever the pixels are, they become these.
StepOptions step_options(Backend& backend, const Spec& spec, const Tensor& images) {
  StepOptions options;
  options.pairs = static_cast<int>(spec.pairs);
  options.size = static_cast<int>(spec.size);
  options.normalize = [&backend, images](const Tensor& /*pixels*/, Tensor& to) { backend.copy(images, to); };
  return options;
}

FixtureResult run(Backend& backend, DType compute, const json& fixture) {
  const Spec spec = read_spec(fixture);
  TwinTowers model(backend, param_dtype(compute), spec.model);
  fill_with_formula(backend, model);
  const Tensor images = make_images(backend, compute, spec);
  Batch batch{0, static_cast<int>(2 * spec.pairs), static_cast<int>(spec.size), {}, read_labels(fixture, spec)};
  batch.pixels.resize(static_cast<std::size_t>(images.size()));
  FixtureResult result;
  ComparingSgd optimizer(backend, model, spec.sgd, fixture.at("tensors"), result.grads);
  const TrainingLoss loss{LossOptions()};
  Context context{backend, compute, false, spec.groups};
  StepExecutor steps(context, model, optimizer, loss, step_options(backend, spec, images), {});
  if (fixture.at("steps").empty()) fail_input("fixture: no steps, expected at least one");
  int number = 0;
  for (const json& step : fixture.at("steps")) {
    steps.submit(batch, spec.lr, number + 1);
    steps.finish([&](const LossValues& values) { compare_losses(step, values, number, result); });
    if (number++ == 0)
      for (const NamedTensor& t : model.state())
        compare_probe(fixture.at("tensors"), "after_step0", t.name, probe(backend, t.name, t.tensor()),
                      result.after_step0);
  }
  compare_evaluation(context, model, images.rows(0, spec.pairs), fixture.at("eval_after"), result.eval_after);
  return result;
}

}  // namespace

void Deviation::include(double difference, double norm, const std::string& name) {
  const double relative = difference / std::max(norm, 1e-3);
  // Written so that a NaN counts as the largest.
  if (where.empty() || (!std::isnan(value) && !(relative <= value))) value = relative, where = name;
}

FixtureResult run_fixture(Backend& backend, DType compute, const json& fixture) {
  try {
    return run(backend, compute, fixture);
  } catch (const json::exception& e) {
    fail_input("fixture: {}", e.what());
  }
}

nlohmann::ordered_json to_json(const FixtureResult& result) {
  const auto entry = [](const Deviation& d) {
    return nlohmann::ordered_json{{"deviation", d.value}, {"tensor", d.where}};
  };
  return {{"losses", entry(result.losses)},
          {"first_losses", entry(result.first_losses)},
          {"grads", entry(result.grads)},
          {"after_step0", entry(result.after_step0)},
          {"eval_after", entry(result.eval_after)}};
}

}  // namespace tandem
