#pragma once
// Several sources, one after the other, as one.

#include <memory>
#include <string>
#include <vector>

#include "data/source/image_source.h"

namespace tandem {

class JoinedSource final : public ImageSource {
 public:
  struct Part {
    std::unique_ptr<const ImageSource> source;
    double weight = 1;  ///< an epoch shows round(weight * images) of its images, at least one
  };

  /// All have the same classes. InputError for 2^32 images or draws and more.
  explicit JoinedSource(std::vector<Part> parts);

  std::size_t size() const override { return begins_.back(); }
  std::int32_t label(std::size_t i) const override;
  std::string name(std::size_t i) const override;
  std::string origin(std::size_t i) const override;
  std::string identity(std::size_t i) const override;
  ImageContent content(std::size_t i, std::int64_t max_pixels) const override;
  std::uint64_t stored_bytes(std::size_t i) const override;
  bool read_stored(std::size_t i, std::uint64_t from, std::span<std::uint8_t> bytes) const override;
  std::string group(std::size_t i) const override;
  std::vector<SourcePart> parts() const override;

 private:
  struct Place {
    const ImageSource& source;
    std::size_t image;
  };
  Place find(std::size_t i) const;

  std::vector<Part> parts_;
  std::vector<std::size_t> begins_;  // the first image of each part, and the number of all
};

}  // namespace tandem
