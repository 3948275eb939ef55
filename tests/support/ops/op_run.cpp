#include "tests/support/ops/op_run.h"

#include <cmath>
#include <cstdlib>
#include <limits>

namespace tandem::test {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Whether T is kept in 16 bits, and converted by way of float.
template <class T>
constexpr bool kNarrow = std::is_same_v<T, BFloat16> || std::is_same_v<T, Float16>;

template <class T>
Tensor upload_as(Backend& backend, const HostTensor& host) {
  std::vector<T> values;
  for (const double x : host.values) {
    if constexpr (kNarrow<T>)
      values.push_back(T(static_cast<float>(x)));
    else
      values.push_back(static_cast<T>(x));
  }
  Tensor tensor = backend.empty(host.shape, dtype_of<T>);
  backend.copy_from_host(values.data(), tensor);
  return tensor;
}

template <class T>
HostTensor download_as(Backend& backend, const Tensor& tensor) {
  std::vector<T> values(static_cast<std::size_t>(tensor.size()));
  backend.copy_to_host(tensor, values.data());
  HostTensor host{tensor.shape(), {}};
  for (const T& x : values) {
    if constexpr (kNarrow<T>)
      host.values.push_back(static_cast<double>(static_cast<float>(x)));
    else
      host.values.push_back(static_cast<double>(x));
  }
  return host;
}

DType type_of(Role role, DType compute) { return role == Role::activation ? compute : param_dtype(compute); }

/// The gradient given to an output.
HostTensor output_gradient(const Shape& shape, std::uint64_t seed) {
  Random random(seed, RandomPurpose::test, 1);
  return random_tensor(shape, random);
}

double dot(const HostTensor& a, const HostTensor& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.values.size(); ++i) sum += a.values[i] * b.values[i];
  return sum;
}

/// <output, r> without a tape.
double projected(Backend& backend, const OpInstance& instance, std::uint64_t seed) {
  Context context{.backend = backend, .compute = DType::f64, .training = true, .groups = instance.groups};
  std::vector<Variable> inputs;
  for (const OpInput& input : instance.inputs) inputs.emplace_back(upload(backend, input.value, DType::f64));
  const HostTensor y = download(backend, instance.forward(context, inputs).y.value());
  return dot(y, output_gradient(y.shape, seed));
}

}  // namespace

double round_to_bf16(double x) { return static_cast<double>(static_cast<float>(BFloat16(static_cast<float>(x)))); }

HostTensor random_tensor(const Shape& shape, Random& random) {
  HostTensor x{shape, std::vector<double>(static_cast<std::size_t>(shape.size()))};
  for (double& value : x.values) value = round_to_bf16(static_cast<double>(random.normal()));
  return x;
}

Tensor upload(Backend& backend, const HostTensor& values, DType dtype) {
  if (dtype == DType::f64) return upload_as<double>(backend, values);
  if (dtype == DType::bf16) return upload_as<BFloat16>(backend, values);
  if (dtype == DType::f16) return upload_as<Float16>(backend, values);
  return upload_as<float>(backend, values);
}

HostTensor download(Backend& backend, const Tensor& tensor) {
  if (tensor.dtype() == DType::f64) return download_as<double>(backend, tensor);
  if (tensor.dtype() == DType::bf16) return download_as<BFloat16>(backend, tensor);
  if (tensor.dtype() == DType::f16) return download_as<Float16>(backend, tensor);
  return download_as<float>(backend, tensor);
}

OpRun run_op(Backend& backend, DType compute, const OpInstance& instance, std::uint64_t seed) {
  Tape tape;
  Context context{.backend = backend, .compute = compute, .training = true, .groups = instance.groups, .tape = &tape};
  std::vector<Variable> inputs;
  for (const OpInput& input : instance.inputs)
    inputs.push_back(Variable::with_gradient(upload(backend, input.value, type_of(input.role, compute))));
  OpRun run;
  OpOutput out = instance.forward(context, inputs);
  run.output = download(backend, out.y.value());
  // A loss whose gradient at the output is r: backward begins with its rule.
  Variable loss = Variable::with_gradient(upload(backend, {{1}, {0.0}}, param_dtype(compute)));
  Tensor r = upload(backend, output_gradient(out.y.shape(), seed), out.y.value().dtype());
  tape.record(loss, [&backend, r = std::move(r), slot = out.y.slot()](const Tensor&) mutable {
    slot->add(backend, std::move(r));
  });
  out.y = Variable();
  tape.backward(backend, loss);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    require(inputs[i].gradient().defined(), "no gradient has arrived at {}", instance.inputs[i].name);
    run.gradients.push_back(download(backend, inputs[i].gradient()));
  }
  for (const Tensor& tensor : out.state) run.state.push_back(download(backend, tensor));
  return run;
}

double relative_error(const HostTensor& got, const HostTensor& expected) {
  if (got.shape != expected.shape) return kNaN;
  double difference = 0, norm = 0;
  for (std::size_t i = 0; i < got.values.size(); ++i) {
    difference += (got.values[i] - expected.values[i]) * (got.values[i] - expected.values[i]);
    norm += expected.values[i] * expected.values[i];
  }
  return difference == 0 ? 0 : std::sqrt(difference / norm);
}

void poison(Backend& backend, std::int64_t bytes) {
  const std::vector<std::uint8_t> ones(static_cast<std::size_t>(bytes), 0xFF);
  Tensor block = backend.empty({bytes}, DType::u8);
  backend.copy_from_host(ones.data(), block);
}

double gradient_error(Backend& backend, const OpInstance& instance, std::uint64_t seed) {
  const OpRun run = run_op(backend, DType::f64, instance, seed);
  Random random(seed, RandomPurpose::test, 2);
  double worst = 0;
  for (std::size_t i = 0; i < instance.inputs.size(); ++i) {
    const std::vector<double>& x = instance.inputs[i].value.values;
    double largest = 1;
    for (const double value : x) largest = std::max(largest, std::abs(value));
    const double step = 1e-5 * std::sqrt(largest);
    HostTensor differences{{3}, {}}, derivatives{{3}, {}};
    for (int direction = 0; direction < 3; ++direction) {
      HostTensor v{instance.inputs[i].value.shape, std::vector<double>(x.size())};
      for (double& value : v.values) value = static_cast<double>(random.normal());
      const auto moved = [&](double by) {
        OpInstance other = instance;
        for (std::size_t j = 0; j < x.size(); ++j) other.inputs[i].value.values[j] += by * v.values[j];
        return projected(backend, other, seed);
      };
      differences.values.push_back((moved(step) - moved(-step)) / (2 * step));
      derivatives.values.push_back(dot(run.gradients[i], v));
    }
    // An input that the output hardly depends on would make any gradient of it pass.
    const double error = dot(differences, differences) < 1e-12 ? kNaN : relative_error(derivatives, differences);
    if (!(error <= worst)) worst = error;
    if (std::isnan(worst)) return worst;
  }
  return worst;
}

std::shared_ptr<Backend> make_test_backend() {
  const char* asked = std::getenv("TANDEM_TEST_DEVICE");
  const Device device = Device::parse(asked ? asked : "cpu").value();
  if (device.kind == DeviceKind::cpu) return make_cpu_backend();
  return cuda_device_count() > device.index ? make_cuda_backend({.index = device.index}) : nullptr;
}

}  // namespace tandem::test
