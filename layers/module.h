#pragma once
// Modules: parts of a network that own parameters and know them by name.

#include <string>
#include <utility>
#include <vector>

#include "core/ops/ops.h"

namespace tandem {

/// One named tensor of a module: a parameter, which is trained, or a buffer (a running statistic).
struct NamedTensor {
  std::string name;               ///< "layer1.0.conv1.weight": torchvision's names
  Variable* parameter = nullptr;  ///< null for a buffer
  Tensor* buffer = nullptr;       ///< null for a parameter

  Tensor& tensor() const { return parameter ? parameter->value() : *buffer; }
};

/// Neither copied nor moved, since modules refer to their parts by address.
class Module {
 public:
  virtual ~Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  /// Every parameter and buffer below this module, in the order of their construction.
  std::vector<NamedTensor> state();
  /// The parameters alone.
  std::vector<NamedTensor> parameters();

 protected:
  Module() = default;

  /// Makes a parameter: a variable of undefined content that wants a gradient.
  void add_parameter(std::string name, Variable& parameter, Backend& backend, const Shape& shape, DType dtype);
  void add_buffer(std::string name, Tensor& buffer, Backend& backend, const Shape& shape, DType dtype);
  /// A part, whose names get the prefix "name."; an empty name adds none.
  void add_module(std::string name, Module& module);

 private:
  void collect(const std::string& prefix, std::vector<NamedTensor>& out);

  std::vector<NamedTensor> own_;
  std::vector<std::pair<std::string, Module*>> parts_;
};

}  // namespace tandem
