#include "core/backend/host_copy.h"

#include <cstring>

#include "core/base/error.h"

namespace tandem {

void upload(Backend& backend, const std::vector<float>& values, Tensor& tensor) {
  require(tensor.size() == static_cast<std::int64_t>(values.size()), "upload: {} numbers into a tensor of {}",
          values.size(), tensor.size());
  if (tensor.dtype() == DType::f32) return backend.copy_from_host(values.data(), tensor);
  require(tensor.dtype() == DType::f64, "upload: into {}, expected f32 or f64", tensor.dtype());
  const std::vector<double> wide(values.begin(), values.end());
  backend.copy_from_host(wide.data(), tensor);
}

Tensor real_tensor(Backend& backend, DType real, const std::vector<double>& values) {
  Tensor tensor = backend.empty({static_cast<std::int64_t>(values.size())}, real);
  upload_real(backend, values, tensor);
  return tensor;
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
