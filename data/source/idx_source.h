#pragma once
// IDX files, as MNIST and its family are distributed: train-images-idx3-ubyte and train-labels-idx1-ubyte beside it,
// either packed by gzip (.gz) or not.
//
//   images  u32 0x00000803, u32 n, u32 height, u32 width, n * height * width bytes     all numbers big endian
//   labels  u32 0x00000801, u32 n, n bytes

#include <filesystem>

#include "data/source/packed_source.h"

namespace tandem {

/// Grey images, which become RGB. A packed file is unpacked into memory.
class IdxSource final : public PackedSource {
 public:
  /// `images` names the images' file; that of the labels has "labels" in the place of its last "images", and "idx1" in
  /// that of "idx3". Class names come from a classes.txt beside it. InputError for files that are missing, cut short,
  /// damaged or do not belong together.
  IdxSource(const std::filesystem::path& images, const ExpectedClasses& expected);

  std::string name(std::size_t i) const override;
  std::string identity(std::size_t i) const override;
  ImageContent content(std::size_t i, std::int64_t max_pixels) const override;

 private:
  void read_labels(const std::filesystem::path& path, LabelWords& words) const;

  Planes planes_;
};

/// Whether a file begins as IDX images of one byte a pixel; of a packed file, what it holds.
bool is_idx(const std::filesystem::path& path);

}  // namespace tandem
