#include "data/source/idx_source.h"

#include <array>

#include "core/base/error.h"
#include "data/list/files.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kImagesHeader = 16, kLabelsHeader = 8;
constexpr std::uint64_t kMostUnpacked = std::uint64_t{1} << 32;
constexpr std::uint32_t kImagesMagic = 0x803, kLabelsMagic = 0x801;

bool is_packed(const fs::path& path) { return path.extension() == ".gz"; }

std::uint32_t number_at(const DataFile& file, std::uint64_t at) {
  std::array<std::uint8_t, 4> b{};
  file.read(at, b);
  return std::uint32_t{b[0]} << 24 | std::uint32_t{b[1]} << 16 | std::uint32_t{b[2]} << 8 | b[3];
}

/// The file, whose size is what `size_in` reads of its header; packed or not.
template <class SizeIn>
DataFile open(const fs::path& path, std::size_t header, const SizeIn& size_in) {
  const DataFile head = is_packed(path) ? DataFile::unpack(path, header, true) : DataFile(path);
  if (head.size() < header)
    fail_input("{}: {} bytes: expected an IDX file's header of {}", path.string(), head.size(), header);
  const std::uint64_t size = size_in(head);
  if (is_packed(path) && size > kMostUnpacked)
    fail_input("{}: {} bytes unpacked: expected at most {}, as it is kept in memory; unpack it with gunzip",
               path.string(), size, kMostUnpacked);
  DataFile file = is_packed(path) ? DataFile::unpack(path, size) : DataFile(path);
  if (file.size() != size) fail_input("{}: {} bytes: its header says {}", path.string(), file.size(), size);
  return file;
}

/// Where the labels of a file of images are.
fs::path labels_beside(const fs::path& images) {
  std::string name = images.filename().string();
  const auto replace = [&](std::string_view from, std::string_view to) {
    const std::size_t at = name.rfind(from);
    if (at != std::string::npos) name.replace(at, from.size(), to);
    return at != std::string::npos;
  };
  if (!replace("images", "labels"))
    fail_input("{}: expected a name with 'images', as that of the labels has 'labels' in its place", images.string());
  replace("idx3", "idx1");
  fs::path path = images.parent_path() / name;
  // One of the two may have been unpacked.
  fs::path other = is_packed(path) ? fs::path(path).replace_extension() : fs::path(path.string() + ".gz");
  if (file_type_of(path) == fs::file_type::not_found && file_type_of(other) == fs::file_type::regular) return other;
  return path;
}

}  // namespace

IdxSource::IdxSource(const fs::path& images, const ExpectedClasses& expected) {
  source_ = images.string();
  files_.push_back(open(images, kImagesHeader, [&](const DataFile& head) {
    if (number_at(head, 0) != kImagesMagic)
      fail_input("{}: not an IDX file of images, one byte a pixel: expected it to begin with 00 00 08 03", source_);
    planes_.height = number_at(head, 8);
    planes_.width = number_at(head, 12);
    const auto bytes = planes_.bytes();
    if (!bytes) fail_input("{}: images of {}x{} pixels: expected 1 to 65535", source_, planes_.width, planes_.height);
    return kImagesHeader + number_at(head, 4) * *bytes;
  }));
  const std::uint64_t bytes = planes_.bytes().value_or(0), images_in = (files_[0].size() - kImagesHeader) / bytes;
  for (std::uint64_t i = 0; i < images_in; ++i) places_.push_back({kImagesHeader + i * bytes, bytes, 0});
  LabelWords words;
  read_labels(labels_beside(images), words);
  label_images(words, false, ClassNames::read({images.parent_path()}, expected.number), expected);
}

void IdxSource::read_labels(const fs::path& path, LabelWords& words) const {
  const DataFile file = open(path, kLabelsHeader, [&](const DataFile& head) {
    if (number_at(head, 0) != kLabelsMagic)
      fail_input("{}: not an IDX file of labels: expected it to begin with 00 00 08 01", path.string());
    return kLabelsHeader + std::uint64_t{number_at(head, 4)};
  });
  if (file.size() - kLabelsHeader != size())
    fail_input("{}: {} labels: expected one for each of the {} images in {}", path.string(),
               file.size() - kLabelsHeader, size(), source_);
  for (const std::uint8_t label : file.piece(kLabelsHeader, size())) words.add(std::to_string(label));
}

std::string IdxSource::name(std::size_t i) const { return fmt::format("{}:{}", source_, i); }

std::string IdxSource::identity(std::size_t i) const { return std::to_string(i); }

ImageContent IdxSource::content(std::size_t i, std::int64_t max_pixels) const {
  return picture_of(planes_, stored(i), title(i), max_pixels);
}

bool is_idx(const fs::path& path) {
  if (is_packed(path) && path.filename().string().find("images") == std::string::npos) return false;
  std::array<std::uint8_t, 4> magic{};
  const DataFile head = is_packed(path) ? DataFile::unpack(path, magic.size(), true) : DataFile(path);
  return head.try_read(0, magic) && magic == std::array<std::uint8_t, 4>{0, 0, 8, 3};
}

}  // namespace tandem
