#include "core/tensor/device.h"

#include "tests/support/catch.h"

namespace tandem {

TEST_CASE("Devices are read and written back") {
  CHECK(Device::parse("cpu") == Device{DeviceKind::cpu, 0});
  CHECK(Device::parse("cuda") == Device{DeviceKind::cuda, 0});
  CHECK(Device::parse("cuda:0") == Device{DeviceKind::cuda, 0});
  CHECK(Device::parse("cuda:13") == Device{DeviceKind::cuda, 13});
  for (const char* text : {"cpu", "cuda:0", "cuda:7"}) CHECK(Device::parse(text)->to_string() == text);
}

TEST_CASE("Anything else is no device") {
  for (const char* text :
       {"", "gpu", "CPU", "cpu:0", "cuda:", "cuda:x", "cuda:-1", "cuda:1x", "cuda: 1", "cuda:99999999999"}) {
    CAPTURE(text);
    CHECK_FALSE(Device::parse(text).has_value());
  }
}

}  // namespace tandem
