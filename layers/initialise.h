#pragma once
// Random initial weights, as PyTorch and torchvision draw them:
//
//   convolution   normal, mean 0, deviation sqrt(2 / (K R S))   (He et al. 2015, fan-out, for ReLU)
//   batch norm    weight 1, bias 0, running mean 0, running variance 1
//   linear        weight and bias uniform in [-1/sqrt(C), 1/sqrt(C))

#include <cstdint>

#include "layers/module.h"

namespace tandem {

/// Fills every parameter and buffer. A tensor's numbers depend on the seed and its place in the module alone.
void initialise(Backend& backend, Module& module, std::uint64_t seed);

/// Copies host numbers into an f32 or f64 tensor of that many elements.
void upload(Backend& backend, const std::vector<float>& values, Tensor& tensor);
/// The same from numbers that an f64 tensor takes as they are.
void upload_real(Backend& backend, const std::vector<double>& values, Tensor& tensor);
/// The bytes that an f32 or f64 tensor with these elements has.
std::vector<std::byte> bytes_of(const std::vector<double>& values, DType real);
/// The elements of an f32 or f64 tensor.
std::vector<double> download(Backend& backend, const Tensor& tensor);

}  // namespace tandem
