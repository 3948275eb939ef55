#pragma once
// Modules: parts of a network that own parameters and know them by name.

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/ops/ops.h"

namespace tandem {

/// What a tensor holds before training.
struct Initial {
  enum class Kind { constant, normal, uniform };

  Kind kind = Kind::constant;
  float scale = 0;  ///< the constant, the normal distribution's deviation, or the uniform distribution's bound

  static Initial constant(double value) { return {Kind::constant, static_cast<float>(value)}; }
  /// Mean 0.
  static Initial normal(double deviation) { return {Kind::normal, static_cast<float>(deviation)}; }
  /// In [-bound, bound].
  static Initial uniform(double bound) { return {Kind::uniform, static_cast<float>(bound)}; }
};

/// One named tensor of a module: a parameter, which is trained, or a buffer (a running statistic).
struct NamedTensor {
  std::string name;               ///< "layer1.0.conv1.weight": torchvision's names
  Variable* parameter = nullptr;  ///< null for a buffer
  Tensor* buffer = nullptr;       ///< null for a parameter
  Initial initial = {};           ///< how initialise() draws it

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
  /// Calls body for this module and every part below it.
  void for_each(const std::function<void(Module&)>& body);
  /// Whether a parameter is trained, here or below.
  bool trains() const;

 protected:
  Module() = default;

  /// Makes a parameter: a variable that wants a gradient. Its content is undefined until initialise() draws it as
  /// `initial` says, or a file fills it.
  void add_parameter(std::string name, Variable& parameter, Backend& backend, const Shape& shape, DType dtype,
                     const Initial& initial);
  void add_buffer(std::string name, Tensor& buffer, Backend& backend, const Shape& shape, DType dtype,
                  const Initial& initial);
  /// A part, whose names get the prefix "name."; an empty name adds none.
  void add_module(std::string name, Module& module);

 private:
  void collect(const std::string& prefix, std::vector<NamedTensor>& out);

  std::vector<NamedTensor> own_;
  std::vector<std::pair<std::string, Module*>> parts_;
};

}  // namespace tandem
