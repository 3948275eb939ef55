#pragma once
// The data sets of a command line, seen as one: training, validation, test.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "data/list/image_list.h"

namespace tandem::tools {

/// One or more lists whose images are numbered through, and whose classes are matched by their names.
class Parts {
 public:
  /// Each of `data` is a list or a folder; `root` is that of ImageList::load(), which says what is an InputError. So is
  /// a part that is named twice.
  Parts(const std::vector<std::filesystem::path>& data, const std::filesystem::path& root);

  std::size_t size() const { return begin_.back(); }
  std::size_t count() const { return lists_.size(); }
  const ImageList& list(std::size_t part) const { return lists_[part]; }
  const std::vector<std::string>& classes() const { return classes_; }

  std::size_t part_of(std::size_t image) const;
  ImageSample sample(std::size_t image) const;
  /// An index into classes(); the sample's own is one into its list's.
  std::size_t label(std::size_t image) const { return labels_[image]; }
  const std::string& class_of(std::size_t image) const { return classes_[labels_[image]]; }
  /// The path, and the line of a list that names it.
  std::string name(std::size_t image) const;
  std::vector<std::string> paths() const;
  /// How many images of each class a part has.
  std::vector<std::size_t> images_per_class(std::size_t part) const;

 private:
  std::vector<ImageList> lists_;
  std::vector<std::size_t> begin_ = {0};  // the first image of each part, and one past the last image
  std::vector<std::string> classes_;
  std::vector<std::size_t> labels_;
};

}  // namespace tandem::tools
