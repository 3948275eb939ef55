#include "cuda/cudnn/descriptor.h"

namespace tandem::cuda {

void Descriptor::set(cudnnBackendAttributeName_t name, const Descriptor& value) {
  const cudnnBackendDescriptor_t raw = value.get();
  set_raw(name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 1, &raw);
}

bool Descriptor::finalize_if_supported() {
  // Any status but success means no: an engine may fail to compile for the problem, some notice that late, and an
  // engine with a strange failure must not end a run that another engine can serve.
  return cudnnBackendFinalize(get()) == CUDNN_STATUS_SUCCESS;
}

std::vector<Descriptor> Descriptor::get_descriptors(cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type,
                                                    std::size_t limit) const {
  std::vector<Descriptor> found;
  std::vector<cudnnBackendDescriptor_t> raw;
  for (std::size_t i = 0; i < limit; ++i) raw.push_back(found.emplace_back(type).get());
  std::int64_t count = 0;
  check(cudnnBackendGetAttribute(get(), name, CUDNN_TYPE_BACKEND_DESCRIPTOR, static_cast<std::int64_t>(limit), &count,
                                 raw.data()));
  found.erase(found.begin() + std::min(count, static_cast<std::int64_t>(limit)), found.end());
  return found;
}

std::size_t Descriptor::count(cudnnBackendAttributeName_t name) const {
  std::int64_t count = 0;
  check(cudnnBackendGetAttribute(get(), name, CUDNN_TYPE_BACKEND_DESCRIPTOR, 0, &count, nullptr));
  return static_cast<std::size_t>(count);
}

}  // namespace tandem::cuda
