#pragma once
// WebDataset: samples in tar archives ("shards"), one after the other, each of a few files of the same name.
//
//   0001.jpg  0001.cls  0002.jpg  0002.cls  ...
//
// A file's key is its path up to the first dot of its last part, what follows the dot says what it is. Files of the
// same key, one after the other, are a sample. Its image is the file whose ending is that of an image. Its label is the
// text of .cls (a class's number or name), else "label", "cls" or "class" in .json, else the folder in the key:
// apple/0001.jpg.

#include <filesystem>
#include <string>
#include <vector>

#include "data/source/packed_source.h"

namespace tandem {

class TarSource final : public PackedSource {
 public:
  /// `name` is what the shards together are called. Class names come from a classes.txt beside the first shard. Samples
  /// without an image are left out, and oddities() counts them. InputError for shards that are damaged, with the shard
  /// and the byte, for samples without a label or with two images, and for labels of more than one kind.
  TarSource(const std::string& name, const std::vector<std::filesystem::path>& shards, const ExpectedClasses& expected);

  std::string name(std::size_t i) const override;
  std::string identity(std::size_t i) const override;
  ImageContent content(std::size_t i, std::int64_t max_pixels) const override;

 private:
  std::vector<std::string> members_;  // the images' names in their shards
};

}  // namespace tandem
