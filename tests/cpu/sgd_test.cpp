#include <vector>

#include "core/backend.h"
#include "core/rng.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

struct Update {
  std::vector<double> weight, velocity;
};

/// The formula, as written in core/backend.h.
Update expected_update(const SgdOptions& o, bool decay, Update u, const std::vector<double>& gradient) {
  for (std::size_t i = 0; i < gradient.size(); ++i) {
    const double g = gradient[i] + (decay ? o.weight_decay * u.weight[i] : 0);
    u.velocity[i] = o.momentum * u.velocity[i] + g;
    u.weight[i] -= o.lr * (o.nesterov ? g + o.momentum * u.velocity[i] : u.velocity[i]);
  }
  return u;
}

template <class T>
std::vector<double> random_numbers(Random& random, std::size_t n) {
  std::vector<double> x(n);
  for (double& value : x) value = static_cast<double>(static_cast<T>(random.normal()));
  return x;
}

template <class T>
Tensor upload(Backend& backend, const std::vector<double>& x) {
  Tensor tensor = backend.empty({static_cast<std::int64_t>(x.size())}, dtype_of<T>);
  const std::vector<T> values(x.begin(), x.end());
  backend.copy_from_host(values.data(), tensor);
  return tensor;
}

template <class T>
void check_updates(Backend& backend, double tolerance) {
  Random random(1, RandomPurpose::test);
  for (const bool nesterov : {false, true})
    for (const double momentum : {0.0, 0.9})
      for (const double weight_decay : {0.0, 0.1}) {
        const SgdOptions options{0.05, momentum, nesterov, weight_decay};
        std::vector<SgdParameter> parameters;
        std::vector<Update> expected;
        for (const std::size_t n : {1, 15, 16, 17, 40'000}) {  // the last is updated in several pieces
          const bool decay = n % 2 == 0;
          const auto gradient = random_numbers<T>(random, n);
          const Update before{random_numbers<T>(random, n), random_numbers<T>(random, n)};
          expected.push_back(expected_update(options, decay, before, gradient));
          parameters.push_back({upload<T>(backend, before.weight), upload<T>(backend, gradient),
                                upload<T>(backend, before.velocity), decay});
        }
        backend.sgd_update(options, parameters);
        for (std::size_t p = 0; p < parameters.size(); ++p) {
          double worst = 0;
          for (std::size_t i = 0; i < expected[p].weight.size(); ++i) {
            const auto at = [i](const Tensor& x) { return static_cast<double>(x.data<T>()[i]); };
            worst = std::max({worst, std::abs(at(parameters[p].weight) - expected[p].weight[i]),
                              std::abs(at(parameters[p].velocity) - expected[p].velocity[i])});
          }
          CAPTURE(nesterov, momentum, weight_decay, p);
          CHECK(worst < tolerance);
        }
      }
}

}  // namespace

TEST_CASE("SGD follows its formula") {
  const auto reference = make_reference_backend(), cpu = make_cpu_backend();
  check_updates<double>(*reference, 1e-14);
  check_updates<float>(*reference, 2e-6);
  check_updates<double>(*cpu, 1e-14);
  check_updates<float>(*cpu, 2e-6);
}

}  // namespace tandem
