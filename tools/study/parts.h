#pragma once
// The data sets of a command line, seen as one: training, validation, test.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "data/list/equal_files.h"
#include "data/list/image_list.h"
#include "data/source/image_source.h"

namespace tandem::tools {

/// One or more lists whose images are numbered through, and whose classes are matched by their names.
class Parts {
 public:
  /// Each of `data` is a source as open_source() opens it, which says what is an InputError; `root` is where the paths
  /// of lists and tables start. An InputError is also a part that is named twice.
  Parts(const std::vector<std::filesystem::path>& data, const std::filesystem::path& root);

  std::size_t size() const { return begin_.back(); }
  std::size_t count() const { return lists_.size(); }
  const ImageSource& list(std::size_t part) const { return *lists_[part]; }
  const std::vector<std::string>& classes() const { return classes_; }

  std::size_t part_of(std::size_t image) const;
  ImageSample sample(std::size_t image) const;
  /// As ImageSource::content().
  ImageContent content(std::size_t image, std::int64_t max_pixels) const;
  /// "train.txt:12: a.jpg", for errors.
  std::string title(std::size_t image) const;
  /// InputError, which says that `what` needs image files, unless each image is one.
  void require_files(const std::string& what) const;
  /// An index into classes(); the sample's own is one into its list's.
  std::size_t label(std::size_t image) const { return labels_[image]; }
  const std::string& class_of(std::size_t image) const { return classes_[labels_[image]]; }
  /// The path, and the line of a list that names it.
  std::string name(std::size_t image) const;
  StoredFiles stored() const;
  /// How many images of each class a part has.
  std::vector<std::size_t> images_per_class(std::size_t part) const;

 private:
  std::vector<std::unique_ptr<const ImageSource>> lists_;
  std::vector<std::size_t> begin_ = {0};  // the first image of each part, and one past the last image
  std::vector<std::string> classes_;
  std::vector<std::size_t> labels_;
};

}  // namespace tandem::tools
