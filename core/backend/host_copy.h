#pragma once
// Numbers in host memory to tensors, and back.

#include <cstddef>
#include <vector>

#include "core/backend/backend.h"

namespace tandem {

/// Copies host numbers into an f32 or f64 tensor with as many elements; Error for another tensor.
void upload(Backend& backend, const std::vector<float>& values, Tensor& tensor);
/// The same from doubles, which an f64 tensor takes as they are and an f32 tensor rounded.
void upload_real(Backend& backend, const std::vector<double>& values, Tensor& tensor);
/// A new tensor of one dimension, of type `real`, f32 or f64, with these elements.
Tensor real_tensor(Backend& backend, DType real, const std::vector<double>& values);
/// The bytes of a tensor of type `real`, f32 or f64, with these elements.
std::vector<std::byte> bytes_of(const std::vector<double>& values, DType real);
/// The elements of an f32 or f64 tensor; Error for another type. Waits for the device.
std::vector<double> download(Backend& backend, const Tensor& tensor);

}  // namespace tandem
