#pragma once
// The binary files of CIFAR-10 and CIFAR-100: 32x32 pixels, one record an image, without a header.
//
//   CIFAR-10   u8 label, 3072 bytes: the planes red, green, blue
//   CIFAR-100  u8 coarse label, u8 fine label, 3072 bytes

#include <filesystem>

#include "data/source/packed_source.h"

namespace tandem {

class CifarSource final : public PackedSource {
 public:
  /// Of CIFAR-100 the fine labels. Class names come from a classes.txt beside the file, else from batches.meta.txt
  /// (CIFAR-10) or fine_label_names.txt (CIFAR-100) there. InputError for a file that does not consist of records.
  CifarSource(const std::filesystem::path& path, const ExpectedClasses& expected);

  std::string name(std::size_t i) const override;
  std::string identity(std::size_t i) const override;
  ImageContent content(std::size_t i, std::int64_t max_pixels) const override;
};

}  // namespace tandem
