#pragma once
// Where a backend runs: "cpu", "cuda" or "cuda:1".

#include <optional>
#include <string>

namespace tandem {

enum class DeviceKind { cpu, cuda };

struct Device {
  DeviceKind kind = DeviceKind::cpu;
  int index = 0;

  bool operator==(const Device&) const = default;
  /// Accepts "cpu", "cuda" and "cuda:<index>"; nothing for any other text.
  static std::optional<Device> parse(const std::string& text);
  std::string to_string() const;
};

}  // namespace tandem
