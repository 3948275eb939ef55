#pragma once
// Databases of Caffe's: an LMDB file whose values are Datum messages, as convert_imageset writes them.

#include <filesystem>
#include <string>
#include <vector>

#include "data/source/packed_source.h"

namespace tandem {

class LmdbSource final : public PackedSource {
 public:
  /// `path` is the database's folder, or its file. Class names come from a classes.txt in the folder or beside it.
  /// InputError for a database or a message that is damaged.
  LmdbSource(const std::filesystem::path& path, const ExpectedClasses& expected);

  std::string name(std::size_t i) const override;
  std::string identity(std::size_t i) const override { return keys_[i]; }
  ImageContent content(std::size_t i, std::int64_t max_pixels) const override;

 private:
  std::vector<std::string> keys_;  // on one line
  std::vector<Planes> planes_;     // no channels: an image file
};

}  // namespace tandem
