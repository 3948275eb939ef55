#include "core/device.h"

#include <charconv>

#include "core/error.h"

namespace tandem {

Device Device::parse(const std::string& text) {
  if (text == "cpu") return {DeviceKind::cpu, 0};
  if (text == "cuda") return {DeviceKind::cuda, 0};
  if (text.starts_with("cuda:")) {
    int index = -1;
    const char* end = text.data() + text.size();
    const auto result = std::from_chars(text.data() + 5, end, index);
    if (result.ec == std::errc() && result.ptr == end && index >= 0) return {DeviceKind::cuda, index};
  }
  fail_input("device: got \"{}\", expected \"cpu\", \"cuda\" or \"cuda:<index>\"", text);
}

std::string Device::to_string() const { return kind == DeviceKind::cpu ? "cpu" : fmt::format("cuda:{}", index); }

}  // namespace tandem
