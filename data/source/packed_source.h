#pragma once
// Images that lie in files of many: what the sources of such files share.

#include <cstdint>
#include <string>
#include <vector>

#include "data/source/class_labels.h"
#include "data/source/format/data_file.h"
#include "data/source/image_source.h"

namespace tandem {

class PackedSource : public ImageSource {
 public:
  std::size_t size() const override { return places_.size(); }
  std::int32_t label(std::size_t i) const override { return labels_[i]; }
  std::string origin(std::size_t) const override { return {}; }
  std::uint64_t stored_bytes(std::size_t i) const override { return places_[i].bytes; }
  bool read_stored(std::size_t i, std::uint64_t from, std::span<std::uint8_t> bytes) const override;

 protected:
  /// Where an image lies.
  struct Place {
    std::uint64_t begin, bytes;
    std::uint32_t file;
  };

  const DataFile& file_of(std::size_t i) const { return files_[places_[i].file]; }
  /// What is stored of an image. Throws as DataFile::piece() does.
  std::vector<std::uint8_t> stored(std::size_t i) const { return file_of(i).piece(places_[i].begin, places_[i].bytes); }
  /// Sets labels, classes and naming. Places and names must be there. InputError also for a source without an image.
  void label_images(const LabelWords& words, bool are_names, const ClassNames& own, const ExpectedClasses& expected);

  std::vector<DataFile> files_;
  std::vector<Place> places_;

 private:
  std::vector<std::int32_t> labels_;
};

/// Pixels that are stored plane by plane, each (height, width): one grey plane, or three.
struct Planes {
  std::int64_t height = 0, width = 0, channels = 1;
  bool bgr = false;

  /// The bytes that they take; none if there are other planes than one or three, or a side is not within 1 and 65535.
  std::optional<std::uint64_t> bytes() const;
};

/// The picture. InputError, beginning with `title`, if it is smaller than 2x2 pixels or has more than `max_pixels`;
/// Error if memory does not suffice. `bytes` are as many as planes.bytes().
Image picture_of(const Planes& planes, std::span<const std::uint8_t> bytes, const std::string& title,
                 std::int64_t max_pixels);

}  // namespace tandem
