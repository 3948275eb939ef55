#include "layers/initialise.h"

#include <cmath>
#include <cstring>

#include "core/base/rng.h"

namespace tandem {
namespace {

std::vector<float> draw(const NamedTensor& named, std::int64_t linear_inputs, Random random) {
  const Shape& shape = named.tensor().shape();
  std::vector<float> values(static_cast<std::size_t>(shape.size()));
  if (shape.rank() == 4) {
    const auto deviation = static_cast<float>(std::sqrt(2.0 / static_cast<double>(shape[0] * shape[1] * shape[2])));
    for (float& v : values) v = deviation * random.normal();
  } else if (linear_inputs > 0) {
    const auto bound = static_cast<float>(1 / std::sqrt(static_cast<double>(linear_inputs)));
    for (float& v : values) v = random.uniform(-bound, bound);
  } else {
    const bool one = named.name.ends_with("weight") || named.name.ends_with("running_var");
    values.assign(values.size(), one ? 1.0F : 0.0F);
  }
  return values;
}

}  // namespace

void initialise(Backend& backend, Module& module, std::uint64_t seed) {
  std::uint32_t index = 0;
  std::int64_t linear_inputs = 0;
  for (const NamedTensor& named : module.state()) {
    // A linear layer's bias follows its weight and shares its bound; a vector elsewhere belongs to a batch norm.
    const Shape& shape = named.tensor().shape();
    const bool bias_of_linear = linear_inputs > 0 && named.name.ends_with("bias");
    linear_inputs = shape.rank() == 2 ? shape[1] : bias_of_linear ? linear_inputs : 0;
    upload(backend, draw(named, linear_inputs, Random(seed, RandomPurpose::initialise, 0, 0, index++)), named.tensor());
    if (bias_of_linear) linear_inputs = 0;
  }
}

void upload(Backend& backend, const std::vector<float>& values, Tensor& tensor) {
  require(tensor.size() == static_cast<std::int64_t>(values.size()), "upload: {} numbers into a tensor of {}",
          values.size(), tensor.size());
  if (tensor.dtype() == DType::f32) return backend.copy_from_host(values.data(), tensor);
  require(tensor.dtype() == DType::f64, "upload: into {}, expected f32 or f64", tensor.dtype());
  const std::vector<double> wide(values.begin(), values.end());
  backend.copy_from_host(wide.data(), tensor);
}

std::vector<std::byte> bytes_of(const std::vector<double>& values, DType real) {
  require(real == DType::f32 || real == DType::f64, "bytes_of: as {}, expected f32 or f64", real);
  std::vector<std::byte> bytes(values.size() * size_of(real));
  const std::vector<float> narrow(values.begin(), values.end());
  const void* from = real == DType::f64 ? static_cast<const void*>(values.data()) : narrow.data();
  if (!bytes.empty()) std::memcpy(bytes.data(), from, bytes.size());
  return bytes;
}

void upload_real(Backend& backend, const std::vector<double>& values, Tensor& tensor) {
  require(tensor.size() == static_cast<std::int64_t>(values.size()), "upload: {} numbers into a tensor of {}",
          values.size(), tensor.size());
  backend.copy_from_host(bytes_of(values, tensor.dtype()).data(), tensor);
}

std::vector<double> download(Backend& backend, const Tensor& tensor) {
  std::vector<double> values(static_cast<std::size_t>(tensor.size()));
  if (tensor.dtype() == DType::f64) {
    backend.copy_to_host(tensor, values.data());
    return values;
  }
  require(tensor.dtype() == DType::f32, "download: from {}, expected f32 or f64", tensor.dtype());
  std::vector<float> narrow(values.size());
  backend.copy_to_host(tensor, narrow.data());
  values.assign(narrow.begin(), narrow.end());
  return values;
}

}  // namespace tandem
