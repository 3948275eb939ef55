#include "data/list/copies.h"

#include <algorithm>
#include <optional>

#include "core/base/error.h"
#include "data/list/equal_files.h"

namespace tandem {
namespace {

/// The images of both lists, the training's first.
class Images {
 public:
  Images(const ImageList& train, const ImageList* eval) : train_(train), eval_(eval) {}
  std::size_t size() const { return train_.size() + (eval_ == nullptr ? 0 : eval_->size()); }
  bool is_eval(std::size_t i) const { return i >= train_.size(); }
  ImageSample sample(std::size_t i) const { return is_eval(i) ? eval_->sample(i - train_.size()) : train_.sample(i); }
  /// The path, and the line that names it.
  std::string name(std::size_t i) const {
    const ImageSample one = sample(i);
    const std::string& source = is_eval(i) ? eval_->source() : train_.source();
    return one.path + (one.origin == source ? "" : fmt::format(" ({})", one.origin));
  }
  std::string class_of(std::size_t i) const {
    return in_quotes(train_.classes()[static_cast<std::size_t>(sample(i).label)]);
  }

 private:
  const ImageList& train_;
  const ImageList* eval_;
};

}  // namespace

Copies find_copies(const ImageList& train, const ImageList* eval, unsigned threads) {
  const Images images(train, eval);
  std::vector<std::string> paths(images.size());
  for (std::size_t i = 0; i < paths.size(); ++i) paths[i] = images.sample(i).path;
  const std::vector<std::vector<std::size_t>> groups = equal_files(paths, threads);
  Copies copies;
  std::optional<std::size_t> first;  // of the evaluation's
  for (const std::vector<std::size_t>& group : groups) {
    const std::size_t one = group.front();
    const auto other = std::find_if(group.begin(), group.end(),
                                    [&](std::size_t i) { return images.sample(i).label != images.sample(one).label; });
    if (other != group.end() && copies.two_labels++ == 0)
      copies.first_two_labels = fmt::format("{} is {}, {} is {}", images.name(one), images.class_of(one),
                                            images.name(*other), images.class_of(*other));
    if (images.is_eval(one)) continue;
    for (const std::size_t i : group) {
      if (!images.is_eval(i)) continue;
      ++copies.shared;
      if (first && *first < i) continue;
      first = i;
      copies.first_shared = fmt::format("{} is {}", images.sample(i).path, images.sample(one).path);
    }
  }
  return copies;
}

std::vector<std::string> copy_remarks(const ImageList& train, const ImageList* eval) {
  const Copies copies = find_copies(train, eval);
  std::vector<std::string> lines;
  if (copies.shared > 0)
    lines.push_back(fmt::format("warning: {} of the {} evaluation images are training images too; the first: {}",
                                copies.shared, eval->size(), copies.first_shared));
  if (copies.two_labels > 0)
    lines.push_back(fmt::format("warning: {}: {}",
                                copies.two_labels == 1
                                    ? "an image has two labels"
                                    : fmt::format("{} images have two labels; the first", copies.two_labels),
                                copies.first_two_labels));
  return lines;
}

}  // namespace tandem
