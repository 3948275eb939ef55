#include "data/list/copies.h"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "core/base/error.h"
#include "data/list/class_names.h"
#include "data/list/equal_files.h"

namespace tandem {
namespace {

/// The images of both lists, the training's first.
class Images {
 public:
  Images(const ImageSource& train, const ImageSource* eval) : train_(train), eval_(eval) {}
  std::size_t size() const { return train_.size() + (eval_ == nullptr ? 0 : eval_->size()); }
  bool is_eval(std::size_t i) const { return i >= train_.size(); }
  std::int32_t label(std::size_t i) const { return source(i).label(place(i)); }
  /// What people know the image by, without and with the line that names it.
  std::string name(std::size_t i) const { return source(i).name(place(i)); }
  std::string full_name(std::size_t i) const {
    const std::string origin = source(i).origin(place(i));
    return name(i) + (origin.empty() || origin == source(i).source() ? "" : fmt::format(" ({})", origin));
  }
  std::string class_of(std::size_t i) const { return in_quotes(train_.classes()[static_cast<std::size_t>(label(i))]); }
  std::uint64_t bytes(std::size_t i) const { return source(i).stored_bytes(place(i)); }
  StoredFiles stored() const {
    return {size(), [this](std::size_t i) { return bytes(i); },
            [this](std::size_t i, std::uint64_t from, std::span<std::uint8_t> bytes) {
              return source(i).read_stored(place(i), from, bytes);
            }};
  }

 private:
  const ImageSource& source(std::size_t i) const { return is_eval(i) ? *eval_ : train_; }
  std::size_t place(std::size_t i) const { return is_eval(i) ? i - train_.size() : i; }

  const ImageSource& train_;
  const ImageSource* eval_;
};

}  // namespace

Copies find_copies(const ImageSource& train, const ImageSource* eval, unsigned threads) {
  const Images images(train, eval);
  const std::vector<std::vector<std::size_t>> groups = equal_files(images.stored(), threads);
  Copies copies;
  std::optional<std::size_t> first;  // of the evaluation's
  for (const std::vector<std::size_t>& group : groups) {
    const std::size_t one = group.front();
    const auto other =
        std::find_if(group.begin(), group.end(), [&](std::size_t i) { return images.label(i) != images.label(one); });
    if (other != group.end() && copies.two_labels++ == 0)
      copies.first_two_labels = fmt::format("{} is {}, {} is {}", images.full_name(one), images.class_of(one),
                                            images.full_name(*other), images.class_of(*other));
    if (images.is_eval(one)) continue;
    for (const std::size_t i : group) {
      if (!images.is_eval(i)) continue;
      ++copies.shared;
      if (first && *first < i) continue;
      first = i;
      copies.first_shared = fmt::format("{} is {}", images.name(i), images.name(one));
    }
  }
  return copies;
}

std::vector<std::string> copy_remarks(const ImageSource& train, const ImageSource* eval) {
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
