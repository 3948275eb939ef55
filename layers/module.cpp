#include "layers/module.h"

#include <algorithm>

namespace tandem {

std::vector<NamedTensor> Module::state() {
  std::vector<NamedTensor> all;
  collect("", all);
  return all;
}

std::vector<NamedTensor> Module::parameters() {
  auto all = state();
  std::erase_if(all, [](const NamedTensor& t) { return t.parameter == nullptr; });
  return all;
}

void Module::for_each(const std::function<void(Module&)>& body) {
  body(*this);
  for (auto& [name, part] : parts_) part->for_each(body);
}

bool Module::trains() const {
  return std::any_of(own_.begin(), own_.end(),
                     [](const NamedTensor& t) { return t.parameter && t.parameter->wants_gradient(); }) ||
         std::any_of(parts_.begin(), parts_.end(), [](const auto& part) { return part.second->trains(); });
}

void Module::add_parameter(std::string name, Variable& parameter, Backend& backend, const Shape& shape, DType dtype,
                           const Initial& initial) {
  parameter = Variable::with_gradient(backend.empty(shape, dtype));
  own_.push_back({std::move(name), &parameter, nullptr, initial});
}

void Module::add_buffer(std::string name, Tensor& buffer, Backend& backend, const Shape& shape, DType dtype,
                        const Initial& initial) {
  buffer = backend.empty(shape, dtype);
  own_.push_back({std::move(name), nullptr, &buffer, initial});
}

void Module::add_module(std::string name, Module& module) { parts_.emplace_back(std::move(name), &module); }

void Module::collect(const std::string& prefix, std::vector<NamedTensor>& out) {
  for (const NamedTensor& t : own_) out.push_back({prefix + t.name, t.parameter, t.buffer, t.initial});
  for (auto& [name, part] : parts_) part->collect(name.empty() ? prefix : prefix + name + ".", out);
}

}  // namespace tandem
