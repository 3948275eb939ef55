#include "train/optim/ema.h"

#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "core/backend/host_copy.h"
#include "layers/basic.h"
#include "tests/support/catch.h"
#include "tests/support/worst.h"

namespace tandem {
namespace {

using Values = std::map<std::string, std::vector<double>>;

/// The module of scripts/evidence/ema_fixture.py, whose weights a formula gives.
struct Small : Module {
  Backend& backend;
  Linear linear;
  BatchNorm2d norm;

  Small(Backend& on, DType real) : backend(on), linear(on, real, 3, 2), norm(on, real, 2) {
    add_module("0", linear);
    add_module("1", norm);
    set(0);
  }
  void set(int step) {
    double i = 0;
    for (const NamedTensor& t : state()) {
      std::vector<double> values(static_cast<std::size_t>(t.tensor().size()));
      for (double& value : values) {
        value = std::sin(0.3 * step * (i + 1)) + i / 7;
        ++i;
      }
      upload_real(backend, values, t.tensor());
    }
  }
};

Values values_of(Backend& backend, const std::vector<NamedTensor>& tensors) {
  Values all;
  for (const NamedTensor& t : tensors) all[t.name] = download(backend, t.tensor());
  return all;
}

/// Takes the weights of a step in.
void update(Backend& backend, Ema& ema, DType real, int step, double norm = 1) {
  ema.update(real_tensor(backend, real, {ema.share(step)}), real_tensor(backend, real, {norm}));
}

TEST_CASE("the average over fifty steps is that of timm's ModelEmaV3") {
  std::ifstream file(std::string(TANDEM_TEST_DATA) + "/train/fixtures/ema.json");
  const auto cases = nlohmann::json::parse(file);
  REQUIRE(cases.size() == 3);
  for (const auto& backend : {make_reference_backend(), make_cpu_backend()})
    for (const DType real : {DType::f64, DType::f32}) {
      if (!backend->supports(real)) continue;
      for (const auto& expected : cases) {
        EmaOptions options{expected.at("decay").get<double>(), expected.at("use_warmup").get<bool>()};
        options.warmup_gamma = expected.value("warmup_gamma", options.warmup_gamma);
        options.warmup_power = expected.value("warmup_power", options.warmup_power);
        Small module(*backend, real);
        Ema ema(*backend, module, options);
        int compared = 0;
        double worst = 0;
        for (int step = 1; step <= 50; ++step) {
          module.set(step);
          update(*backend, ema, real, step);
          const auto kept = expected.at("averages").find(std::to_string(step));
          if (kept == expected.at("averages").end()) continue;
          const Values got = values_of(*backend, ema.state());
          REQUIRE(got.size() == kept->size());
          for (const auto& [name, values] : kept->items())
            for (std::size_t i = 0; i < values.size(); ++i, ++compared)
              test::include_worst(worst, std::abs(got.at(name)[i] - values[i].get<double>()));
        }
        CAPTURE(options.decay, options.warmup, real == DType::f64);
        CHECK(compared == 5 * 16);
        CHECK(worst < (real == DType::f64 ? 1e-13 : 1e-6));
      }
    }
}

TEST_CASE("the share of new weights falls to the decay's rest, at once or by and by") {
  const auto backend = make_reference_backend();
  Small module(*backend, DType::f64);
  const Ema at_once(*backend, module, {0.999, false}), by_and_by(*backend, module, {0.999, true, 1, 0.5});
  CHECK(at_once.share(1) == 1);
  CHECK(at_once.share(2) == Approx(0.001));
  CHECK(by_and_by.share(1) == 1);
  CHECK(by_and_by.share(4) == Approx(0.5));
  CHECK(by_and_by.share(10'000) == Approx(0.01));
  CHECK(by_and_by.share(10'000'000) == Approx(0.001));
}

TEST_CASE("a step that was skipped leaves the average as it is") {
  const auto backend = make_cpu_backend();
  Small module(*backend, DType::f32);
  Ema ema(*backend, module, {});
  const Values before = values_of(*backend, ema.state());
  CHECK(before == values_of(*backend, module.state()));
  module.set(1);
  for (const double norm : {HUGE_VAL, -HUGE_VAL, std::nan("")}) {
    update(*backend, ema, DType::f32, 1, norm);
    CHECK(values_of(*backend, ema.state()) == before);
  }
  ema.update(real_tensor(*backend, DType::f32, {1}), {});
  CHECK(values_of(*backend, ema.state()) == values_of(*backend, module.state()));
  module.set(2);
  ema.restart();
  CHECK(values_of(*backend, ema.state()) == values_of(*backend, module.state()));
}

TEST_CASE("the average stands in the weights' place for a while, and both come back") {
  const auto backend = make_cpu_backend();
  Small module(*backend, DType::f32);
  Ema ema(*backend, module, {});
  module.set(1);
  const Values average = values_of(*backend, ema.state()), weights = values_of(*backend, module.state());
  REQUIRE(average != weights);
  const void* const place = module.state()[0].tensor().data<float>();
  try {
    const Ema::Exchange exchange(ema);
    CHECK(values_of(*backend, module.state()) == average);
    throw Error("evaluation failed");
  } catch (const Error&) {
  }
  CHECK(values_of(*backend, module.state()) == weights);
  CHECK(values_of(*backend, ema.state()) == average);
  CHECK(module.state()[0].tensor().data<float>() == place);  // which captured steps write to
}

}  // namespace
}  // namespace tandem
