#pragma once
// Labelled images, wherever they are kept: what loaders, checks and programs read.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "data/image/image.h"

namespace tandem {

/// What a source keeps of an image: the bytes of an image file, or pixels.
using ImageContent = std::variant<std::vector<std::uint8_t>, Image>;

/// How many of a source's images are shown an epoch.
struct SourcePart {
  std::uint32_t images = 0;
  std::uint32_t draws = 0;  ///< as many as `images`, unless the source has a weight

  bool operator==(const SourcePart&) const = default;
};

/// An immutable row of labelled images; never empty, fewer than 2^32. Threads may share it.
class ImageSource {
 public:
  virtual ~ImageSource() = default;

  virtual std::size_t size() const = 0;
  /// In [0, number of classes).
  virtual std::int32_t label(std::size_t i) const = 0;
  /// What people know the image by: its path, "shard-000.tar:img1.jpg", "lmdb:00000012".
  virtual std::string name(std::size_t i) const = 0;
  /// Who names the image, where that is not the image's own file: "train.txt:12". May be empty.
  virtual std::string origin(std::size_t i) const = 0;
  /// The same for the same image of the same data, wherever the data lies: resuming a run compares it.
  virtual std::string identity(std::size_t i) const = 0;
  /// InputError, which names the image, if it cannot be read; Error if memory does not suffice. Pixels are within
  /// `max_pixels`; of an image file nothing is checked.
  virtual ImageContent content(std::size_t i, std::int64_t max_pixels) const = 0;
  /// Whether each image is a file of its own, whose path is its name.
  virtual bool is_of_files() const { return false; }
  /// How many bytes the source keeps of the image; 0 if that cannot be told.
  virtual std::uint64_t stored_bytes(std::size_t i) const = 0;
  /// Reads those bytes from one on; false if they cannot be read.
  virtual bool read_stored(std::size_t i, std::uint64_t from, std::span<std::uint8_t> bytes) const = 0;
  /// What belongs together, such as the photos of one person: the column `group` of a table. Empty: nothing is said.
  virtual std::string group(std::size_t) const { return {}; }
  /// The sources that this one joins, in order; itself if it is only one.
  virtual std::vector<SourcePart> parts() const {
    return {{static_cast<std::uint32_t>(size()), static_cast<std::uint32_t>(size())}};
  }

  /// As the caller named it.
  const std::string& source() const { return source_; }
  /// The names of the classes; a label is an index into them.
  const std::vector<std::string>& classes() const { return classes_; }
  /// Where the classes and their names come from, a line that begins with the source.
  const std::string& naming() const { return naming_; }
  /// Lines on what is odd about the source and its owner may not know: subfolders that are no classes, what is not
  /// read.
  const std::vector<std::string>& oddities() const { return oddities_; }

  /// Every image's label.
  std::vector<std::int32_t> labels() const;
  /// What errors call the image: "train.txt:12: a.jpg".
  std::string title(std::size_t i) const;

 protected:
  ImageSource() = default;
  ImageSource(const ImageSource&) = default;
  ImageSource(ImageSource&&) = default;
  ImageSource& operator=(const ImageSource&) = default;
  ImageSource& operator=(ImageSource&&) = default;

  std::string source_;
  std::vector<std::string> classes_;
  std::string naming_;
  std::vector<std::string> oddities_;
};

/// The picture, decoded. Throws what content() and decode_image() throw.
Image read_image(const ImageSource& source, std::size_t i, std::int64_t max_pixels = kDefaultMaxPixels);

}  // namespace tandem
