#pragma once
// What the tests of sources share.

#include <cstdint>
#include <string>

#include "data/source/open_source.h"
#include "tests/data/image/pictures.h"
#include "tests/data/list/list_contents.h"
#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/temp_dir.h"

namespace tandem::test {

inline std::string source_fixture(const std::string& name) {
  return std::string(TANDEM_TEST_DATA) + "/data/source/fixtures/" + name;
}

/// What opening a source throws, as error_of() shows it.
inline std::string error_in_source(const SourceSpec& spec) {
  return error_of([&] { (void)open_source(spec); });
}

inline bool same(const Image& a, const Image& b) {
  return a.height == b.height && a.width == b.width && a.pixels == b.pixels;
}

inline std::string big_endian(std::uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xffU);
  return bytes;
}

/// `n` images of 2x3 pixels, image i's value at place p being 7 i + p, and their labels, i modulo 3.
inline std::string idx_images(std::uint32_t n) {
  std::string bytes = big_endian(0x803) + big_endian(n) + big_endian(2) + big_endian(3);
  for (std::uint32_t i = 0; i < n; ++i)
    for (std::uint32_t p = 0; p < 6; ++p) bytes += static_cast<char>(7 * i + p);
  return bytes;
}
inline std::string idx_labels(std::uint32_t n) {
  std::string bytes = big_endian(0x801) + big_endian(n);
  for (std::uint32_t i = 0; i < n; ++i) bytes += static_cast<char>(i % 3);
  return bytes;
}

/// `n` records, with labels of `labels` bytes: the last one is i modulo 3.
inline std::string cifar_records(int n, int labels) {
  std::string bytes;
  for (int i = 0; i < n; ++i) {
    bytes.append(static_cast<std::size_t>(labels - 1), '\x09');
    bytes += static_cast<char>(i % 3);
    for (int p = 0; p < 3072; ++p) bytes += static_cast<char>(i + p % 1024 + 50 * (p / 1024));
  }
  return bytes;
}

}  // namespace tandem::test
