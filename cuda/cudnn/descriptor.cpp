#include "cuda/cudnn/descriptor.h"

namespace tandem::cuda {

void Descriptor::set(cudnnBackendAttributeName_t name, const Descriptor& value) {
  const cudnnBackendDescriptor_t raw = value.get();
  set_raw(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &raw);
}

bool Descriptor::finalize_if_supported() {
  const cudnnStatus_t status = cudnnBackendFinalize(get());
  // Beside the honest answer: engines that are compiled for the problem may fail at that, and some find out late.
  const int kind = static_cast<int>(status) / 1000 * 1000;
  if (kind == static_cast<int>(CUDNN_STATUS_NOT_SUPPORTED) || kind == static_cast<int>(CUDNN_STATUS_INTERNAL_ERROR))
    return false;
  check(status);
  return true;
}

std::vector<Descriptor> Descriptor::get_descriptors(cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type,
                                                    std::size_t limit) const {
  std::vector<Descriptor> found;
  std::vector<cudnnBackendDescriptor_t> raw;
  for (std::size_t i = 0; i < limit; ++i) raw.push_back(found.emplace_back(type).get());
  std::int64_t count = 0;
  check(cudnnBackendGetAttribute(get(), name, CUDNN_TYPE_BACKEND_DESCRIPTOR, static_cast<std::int64_t>(limit), &count,
                                 raw.data()));
  found.erase(found.begin() + count, found.end());
  return found;
}

std::size_t Descriptor::count(cudnnBackendAttributeName_t name) const {
  std::int64_t count = 0;
  check(cudnnBackendGetAttribute(get(), name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count, nullptr));
  return static_cast<std::size_t>(count);
}

}  // namespace tandem::cuda
