#pragma once
// A descriptor of cuDNN's backend API: an object that is created, given attributes and finalized, and then answers
// questions. Graphs, engines and plans are all descriptors.

#include <cudnn.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "cuda/runtime/check.h"
#include "cuda/runtime/handle.h"

namespace tandem::cuda {

/// How the API names a C++ type.
template <class T>
inline constexpr cudnnBackendAttributeType_t attribute_type = [] {  // NOLINT(readability-identifier-naming): of T
  if constexpr (std::is_same_v<T, std::int64_t>) {
    return CUDNN_TYPE_INT64;
  } else if constexpr (std::is_same_v<T, float>) {
    return CUDNN_TYPE_FLOAT;
  } else if constexpr (std::is_same_v<T, char>) {
    return CUDNN_TYPE_CHAR;
  } else if constexpr (std::is_same_v<T, void*>) {
    return CUDNN_TYPE_VOID_PTR;
  } else if constexpr (std::is_same_v<T, cudnnHandle_t>) {
    return CUDNN_TYPE_HANDLE;
  } else if constexpr (std::is_same_v<T, cudnnDataType_t>) {
    return CUDNN_TYPE_DATA_TYPE;
  } else if constexpr (std::is_same_v<T, cudnnConvolutionMode_t>) {
    return CUDNN_TYPE_CONVOLUTION_MODE;
  } else if constexpr (std::is_same_v<T, cudnnBackendHeurMode_t>) {
    return CUDNN_TYPE_HEUR_MODE;
  } else if constexpr (std::is_same_v<T, cudnnBackendNumericalNote_t>) {
    return CUDNN_TYPE_NUMERICAL_NOTE;
  } else {
    static_assert(std::is_same_v<T, cudnnBackendKnobType_t>, "not an attribute's type");
    return CUDNN_TYPE_KNOB_TYPE;
  }
}();

class Descriptor {
 public:
  explicit Descriptor(cudnnBackendDescriptorType_t type) { check(cudnnBackendCreateDescriptor(type, raw_.receive())); }

  /// The attribute is an array, or a single value.
  template <class T>
  void set(cudnnBackendAttributeName_t name, std::span<const T> values) {
    set_raw(name, attribute_type<T>, values.size(), values.data());
  }
  template <class T>
  void set(cudnnBackendAttributeName_t name, const T& value) {
    set_raw(name, attribute_type<T>, 1, &value);
  }
  /// A descriptor is copied: it need not outlive the call.
  void set(cudnnBackendAttributeName_t name, const Descriptor& value);

  void finalize() { check(cudnnBackendFinalize(get())); }
  /// False if cuDNN cannot do what the descriptor describes, or fails.
  bool finalize_if_supported();

  template <class T>
  T get(cudnnBackendAttributeName_t name) const {
    T value{};
    std::int64_t count = 0;
    check(cudnnBackendGetAttribute(get(), name, attribute_type<T>, 1, &count, &value));
    return value;
  }
  /// At most `limit` values.
  template <class T>
  std::vector<T> get_all(cudnnBackendAttributeName_t name, std::size_t limit) const {
    std::vector<T> values(limit);
    std::int64_t count = 0;
    check(cudnnBackendGetAttribute(get(), name, attribute_type<T>, static_cast<std::int64_t>(limit), &count,
                                   values.data()));
    values.resize(std::min(limit, static_cast<std::size_t>(count)));
    return values;
  }
  /// The descriptors of one type that an attribute holds, at most `limit`.
  std::vector<Descriptor> get_descriptors(cudnnBackendAttributeName_t name, cudnnBackendDescriptorType_t type,
                                          std::size_t limit) const;
  /// How many descriptors an attribute holds.
  std::size_t count(cudnnBackendAttributeName_t name) const;

  cudnnBackendDescriptor_t get() const { return raw_.get(); }

 private:
  void set_raw(cudnnBackendAttributeName_t name, cudnnBackendAttributeType_t type, std::size_t count,
               const void* values) {
    check(cudnnBackendSetAttribute(get(), name, type, static_cast<std::int64_t>(count), values));
  }

  Handle<cudnnBackendDescriptor_t, cudnnBackendDestroyDescriptor> raw_;
};

}  // namespace tandem::cuda
