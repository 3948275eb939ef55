#include "core/tensor/device.h"

#include <charconv>

#include <fmt/format.h>

namespace tandem {

std::optional<Device> Device::parse(const std::string& text) {
  if (text == "cpu") return Device{DeviceKind::cpu, 0};
  if (text == "cuda") return Device{DeviceKind::cuda, 0};
  if (text.starts_with("cuda:")) {
    int index = -1;
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data() + 5, end, index);
    if (result.ec == std::errc() && result.ptr == end && index >= 0) return Device{DeviceKind::cuda, index};
  }
  return std::nullopt;
}

std::string Device::to_string() const { return kind == DeviceKind::cpu ? "cpu" : fmt::format("cuda:{}", index); }

}  // namespace tandem
