#include "data/source/cifar_source.h"

#include "core/base/error.h"
#include "data/list/files.h"
#include "data/list/text_lines.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

constexpr Planes kPlanes{32, 32, 3};
constexpr std::uint64_t kPixels = 3072;

/// The names that the data set brings with it.
ClassNames names_beside(const fs::path& path, bool fine) {
  const fs::path file = path.parent_path() / (fine ? "fine_label_names.txt" : "batches.meta.txt");
  if (file_type_of(file) == fs::file_type::not_found) return {};
  std::vector<std::string> names;
  for (const TextLine& line : read_text_lines(file)) names.push_back(line.text);
  return {names, "the classes of " + file.string()};
}

}  // namespace

CifarSource::CifarSource(const fs::path& path, const ExpectedClasses& expected) {
  source_ = path.string();
  files_.emplace_back(path);
  const std::uint64_t size = files_[0].size();
  const bool ten = size > 0 && size % (1 + kPixels) == 0, hundred = size > 0 && size % (2 + kPixels) == 0;
  if (ten == hundred)
    fail_input("{}: {} bytes: expected a multiple of {} (CIFAR-10) or of {} (CIFAR-100)", source_, size, 1 + kPixels,
               2 + kPixels);
  const std::uint64_t labels = ten ? 1 : 2;
  LabelWords words;
  for (std::uint64_t at = 0; at < size; at += labels + kPixels) {
    std::uint8_t label = 0;
    files_[0].read(at + labels - 1, {&label, 1});
    words.add(std::to_string(label));
    places_.push_back({at + labels, kPixels, 0});
  }
  ClassNames own = ClassNames::read({path.parent_path()}, expected.number);
  if (own.empty()) own = names_beside(path, hundred);
  label_images(words, false, own, expected);
}

std::string CifarSource::name(std::size_t i) const { return fmt::format("{}:{}", source_, i); }

std::string CifarSource::identity(std::size_t i) const {
  return fmt::format("{}:{}", fs::path(source_).filename().string(), i);
}

ImageContent CifarSource::content(std::size_t i, std::int64_t max_pixels) const {
  return picture_of(kPlanes, stored(i), title(i), max_pixels);
}

}  // namespace tandem
