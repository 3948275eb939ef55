#include "data/list/image_list.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "data/list/files.h"
#include "data/list/label_reader.h"
#include "data/list/text_lines.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

/// The folder that a path lies in; never empty.
fs::path folder_of(const fs::path& path) {
  // A folder may be named with a slash at its end, which would make it its own parent.
  const fs::path parent = (path.has_filename() ? path : path.parent_path()).parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

}  // namespace

ImageList ImageList::load(const fs::path& path, const fs::path& root, std::optional<int> classes) {
  return load(path, root, classes, {});
}

ImageList ImageList::load_known(const fs::path& path, const fs::path& root, std::vector<std::string> classes) {
  return load(path, root, {}, {std::move(classes), "the network's classes"});
}

ImageList ImageList::load(const fs::path& path, const fs::path& root, std::optional<int> number,
                          const ClassNames& known) {
  if (!root.empty() && file_type_of(root) != fs::file_type::directory)
    fail_input("{}: no such folder: expected the root of {}", root.string(), path.string());
  ImageList list;
  list.source_ = path.string();
  switch (file_type_of(path)) {
    case fs::file_type::not_found:
      fail_input("{}: no such image list or folder", path.string());
    case fs::file_type::directory:
      list.load_folder(root, number, known);
      break;
    default:
      list.load_list(root, number, known);
  }
  list.check_files();
  return list;
}

std::vector<std::int32_t> ImageList::labels() const {
  std::vector<std::int32_t> all;
  all.reserve(entries_.size());
  for (const Entry& entry : entries_) all.push_back(entry.label);
  return all;
}

ImageSample ImageList::sample(std::size_t i) const {
  const Entry& entry = entries_[i];
  return {entry.path, entry.label, entry.line == 0 ? source_ : fmt::format("{}:{}", source_, entry.line)};
}

void ImageList::load_list(const fs::path& root, std::optional<int> number, const ClassNames& known) {
  const fs::path folder = folder_of(source_);
  const fs::path base = root.empty() ? folder : root;
  const ClassNames own = ClassNames::read({folder, base}, number);
  const LabelReader reader(own, known, number);
  for (const TextLine& line : read_text_lines(source_)) {
    const auto [image, label] = reader.read(line.text, fmt::format("{}:{}", source_, line.number));
    entries_.push_back({(base / image).lexically_normal().string(), label, line.number});
  }
  if (entries_.empty()) fail_input("{}: the list is empty: expected 'path label' lines", source_);
  if (entries_.size() > std::numeric_limits<std::uint32_t>::max())
    fail_input("{}: {} images: expected fewer than 2^32", source_, entries_.size());
  classes_ = known.empty() ? own.names() : known.names();
  if (classes_.empty()) number_classes(number);
}

/// Names as many classes as there should be or, if nobody said, as the largest label asks for.
void ImageList::number_classes(std::optional<int> number) {
  const auto largest = std::max_element(entries_.begin(), entries_.end(),
                                        [](const Entry& a, const Entry& b) { return a.label < b.label; });
  // A mistyped one would make thousands.
  if (!number && static_cast<std::size_t>(largest->label) >= size())
    fail_input(
        "{}:{}: label {} of {} images: expected classes numbered from 0 without large gaps; a classes.txt names "
        "those without images too",
        source_, largest->line, largest->label, size());
  for (std::int32_t i = 0; i < number.value_or(largest->label + 1); ++i) classes_.push_back(std::to_string(i));
}

void ImageList::load_folder(const fs::path& root, std::optional<int> number, const ClassNames& known) {
  const fs::path folder = source_;
  const std::vector<std::string> names = subfolders();
  if (names.empty()) fail_input("{}: no subfolders: expected one a class, with its images", source_);
  ClassNames classes = known;
  if (classes.empty()) classes = ClassNames::read({folder, folder_of(folder), root.empty() ? folder : root}, number);
  if (classes.empty()) {
    classes = ClassNames(names, "its classes");
    if (number && names.size() != static_cast<std::size_t>(*number))
      fail_input("{}: {} subfolders ({}): expected {}, one a class", source_, names.size(), short_list(names), *number);
  }
  for (const std::string& name : names) load_class(folder / name, classes.number_of(name, source_ + ": subfolder"));
  if (entries_.empty())
    fail_input("{}: no images in its subfolders: expected .jpg, .png, .bmp or .webp files", source_);
  classes_ = classes.names();
}

/// The names of the classes' folders.
std::vector<std::string> ImageList::subfolders() {
  std::vector<std::string> names;
  for (FolderEntry& entry : read_folder(source_)) {
    if (entry.type != fs::file_type::directory) {
      unread_.outside += is_image_name(entry.name);
      continue;
    }
    if (!is_utf8(entry.name))
      fail_input("{}: the name of the subfolder {} is not UTF-8", source_, in_quotes(entry.name));
    names.push_back(std::move(entry.name));
  }
  return names;
}

void ImageList::load_class(const fs::path& folder, std::int32_t label) {
  for (const FolderEntry& entry : read_folder(folder)) {
    if (entry.type == fs::file_type::directory)
      unread_.deeper += count_files(folder / entry.name);
    else if (is_image_name(entry.name))
      entries_.push_back({(folder / entry.name).string(), label, 0});
    else
      ++unread_.other_types;
  }
}

void ImageList::check_files() const {
  std::size_t missing = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const std::string& path = entries_[i].path;
    const auto name = [&] { return fmt::format("{}: {}", sample(i).origin, path); };
    std::error_code error;
    const fs::file_type type = fs::status(path, error).type();
    if (type == fs::file_type::not_found) {
      if (missing++ == 0) first = i;
      continue;
    }
    if (error) fail_input("{}: cannot read: {}", name(), error.message());
    if (type != fs::file_type::regular) fail_input("{}: not a file: expected an image", name());
    if (::access(path.c_str(), R_OK) != 0) fail_input("{}: cannot read: {}", name(), std::strerror(errno));
  }
  if (missing == 0) return;
  const ImageSample sample = this->sample(first);
  fail_input("{}: {}: no such image file ({} of the list's {} are missing)", sample.origin, sample.path, missing,
             size());
}

}  // namespace tandem
