#include "bench/formula.h"

#include <cmath>

#include "core/backend/host_copy.h"
#include "layers/torch_layout.h"

namespace tandem {
namespace {

std::uint64_t splitmix64(std::uint64_t x) {  // Steele, Lea, Flood 2014
  std::uint64_t z = x + 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31);
}

std::uint64_t fnv1a64(const std::string& text) {
  std::uint64_t hash = 0xCBF29CE484222325U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3U;
  return hash;
}

float formula_value(const std::string& name, const Shape& shape, float u) {
  if (shape.rank() == 4)
    return u * static_cast<float>(std::sqrt(6.0 / static_cast<double>(shape[1] * shape[2] * shape[0])));
  if (shape.rank() == 2) return u / static_cast<float>(std::sqrt(static_cast<double>(shape[1])));
  return u / 10.0F + (name.ends_with("bn3.weight") ? 0.2F : name.ends_with("weight") ? 1.0F : 0.0F);
}

}  // namespace

std::vector<float> formula_uniform(const std::string& name, std::int64_t n) {
  std::vector<float> values(static_cast<std::size_t>(n));
  const std::uint64_t base = fnv1a64(name);
  for (std::size_t i = 0; i < values.size(); ++i)
    values[i] = static_cast<float>(static_cast<double>(splitmix64(base + i) >> 40) / 8388608.0 - 1.0);
  return values;
}

std::string reference_name(const std::string& name) {
  if (name.starts_with("fc.")) return "classifier." + name.substr(3);
  if (name.starts_with("embedding.")) return name;
  return "trunk." + name;
}

void fill_with_formula(Backend& backend, Module& module) {
  for (const NamedTensor& named : module.state()) {
    const Shape& shape = named.tensor().shape();
    std::vector<float> values(static_cast<std::size_t>(shape.size()));
    if (named.parameter) {
      const std::string name = reference_name(named.name);
      const std::vector<float> u = formula_uniform(name, shape.size());
      for_torch_order(shape, [&](std::int64_t ours, std::int64_t torch) {
        values[static_cast<std::size_t>(ours)] = formula_value(name, shape, u[static_cast<std::size_t>(torch)]);
      });
    } else if (named.name.ends_with("running_var")) {
      values.assign(values.size(), 1.0F);
    }
    upload(backend, values, named.tensor());
  }
}

Probe probe(Backend& backend, const std::string& name, const Tensor& tensor) {
  const std::vector<double> values = download(backend, tensor);
  const std::vector<float> u = formula_uniform("probe/" + reference_name(name), tensor.size());
  Probe result;
  for_torch_order(tensor.shape(), [&](std::int64_t ours, std::int64_t torch) {
    const double v = values[static_cast<std::size_t>(ours)];
    result.norm += v * v;
    result.inner += v * static_cast<double>(u[static_cast<std::size_t>(torch)]);
  });
  result.norm = std::sqrt(result.norm);
  return result;
}

}  // namespace tandem
