#include "data/list/image_list.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <utility>

#include "core/base/error.h"
#include "core/base/utf8.h"
#include "data/list/files.h"
#include "data/list/image_walk.h"
#include "data/list/label_reader.h"
#include "data/list/text_lines.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

/// A path without the "." that mean nothing. Not the same for "..": behind a link to a folder, only the system knows
/// what it means.
fs::path without_dots(const fs::path& path) {
  fs::path result;
  for (auto part = path.begin(); part != path.end(); ++part)
    if (*part != "." || std::next(part) == path.end()) result /= *part;
  return result;
}

/// A file of the same name in the other spelling (class_names.h), if there is one in the place of one that is missing.
std::optional<std::string> other_spelling(const std::string& path) {
  for (std::string& other : std::array{composed_name(path), decomposed_name(path)}) {
    std::error_code error;
    if (other != path && fs::exists(other, error)) return std::move(other);
  }
  return std::nullopt;
}

/// How many letters at the end of a source's name say that deeper folders belong to it; 0 if none do.
std::size_t nested_suffix(const std::string& name) {
  for (const std::string_view suffix : {"/**", "/**/"})
    if (name.ends_with(suffix)) return suffix.size();
  return 0;
}

}  // namespace

ImageList::ImageList(std::string source, std::vector<ListEntry> entries) : entries_(std::move(entries)) {
  source_ = std::move(source);
  check_files();
}

ImageList ImageList::load(const fs::path& path, const fs::path& root, std::optional<int> classes) {
  return load(path, root, classes, {});
}

ImageList ImageList::load_known(const fs::path& path, const fs::path& root, const std::vector<std::string>& classes) {
  return load(path, root, {}, {classes, "the network's classes"});
}

ImageList ImageList::load(const fs::path& path, const fs::path& root, std::optional<int> number,
                          const ClassNames& known) {
  if (!root.empty() && file_type_of(root) != fs::file_type::directory)
    fail_input("{}: no such folder: expected the root of {}", root.string(), path.string());
  ImageList list;
  list.source_ = path.string();
  if (const std::size_t stars = nested_suffix(list.source_); stars > 0) {
    list.source_.resize(list.source_.size() - stars);
    list.is_nested_ = true;
    if (file_type_of(list.source_) != fs::file_type::directory)
      fail_input("{}: expected a folder before the two stars", path.string());
  }
  switch (file_type_of(list.source_)) {
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

std::string ImageList::origin(std::size_t i) const {
  const std::uint32_t line = entries_[i].line;
  return line == 0 ? source_ : fmt::format("{}:{}", source_, line);
}

std::string ImageList::identity(std::size_t i) const { return fs::path(entries_[i].path).filename().string(); }

ImageContent ImageList::content(std::size_t i, std::int64_t) const {
  return read_image_file(entries_[i].path, title(i));
}

std::uint64_t ImageList::stored_bytes(std::size_t i) const {
  std::error_code error;
  const std::uintmax_t size = fs::file_size(entries_[i].path, error);
  return error ? 0 : size;
}

bool ImageList::read_stored(std::size_t i, std::uint64_t from, std::span<std::uint8_t> bytes) const {
  std::ifstream file(entries_[i].path, std::ios::binary);
  file.seekg(static_cast<std::streamoff>(from));
  return static_cast<bool>(
      file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size())));
}

void ImageList::load_list(const fs::path& root, std::optional<int> number, const ClassNames& known) {
  const fs::path folder = folder_of(source_);
  const fs::path base = root.empty() ? folder : root;
  const ClassNames own = ClassNames::read({folder, base}, number);
  const LabelReader reader(own, known, number);
  for (const TextLine& line : read_text_lines(source_)) {
    const auto [image, label] = reader.read(line.text, fmt::format("{}:{}", source_, line.number));
    entries_.push_back({without_dots(base / image).string(), label, line.number});
  }
  if (entries_.empty()) fail_input("{}: the list is empty: expected 'path label' lines", source_);
  if (entries_.size() > std::numeric_limits<std::uint32_t>::max())
    fail_input("{}: {} images: expected fewer than 2^32", source_, entries_.size());
  classes_ = known.empty() ? own.names() : known.names();
  if (classes_.empty()) number_classes(number);
  if (!own.empty())
    naming_ = fmt::format("labels refer to {}{}", own.title(),
                          known.empty() ? "" : ", matched by name with " + known.title());
  else if (known.empty())
    naming_ = "there is no classes.txt: the classes are named by their numbers";
  else if (known.misnumbered())
    naming_ = fmt::format("labels are matched by name with {}", known.title());
  else
    naming_ = fmt::format("labels are names or numbers of {}: 0 is {}", known.title(), in_quotes(classes_[0]));
  naming_ = source_ + ": " + naming_;
}

/// Names as many classes as there should be or, if nobody said, as the largest label asks for.
void ImageList::number_classes(std::optional<int> number) {
  const auto largest = std::max_element(entries_.begin(), entries_.end(),
                                        [](const ListEntry& a, const ListEntry& b) { return a.label < b.label; });
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
  std::vector<ClassFolder> folders = class_folders();
  std::vector<std::string> names;
  names.reserve(folders.size());
  for (const ClassFolder& one : folders) names.push_back(one.name);
  ClassNames classes = known;
  if (classes.empty()) classes = ClassNames::read({folder, folder_of(folder), root.empty() ? folder : root}, number);
  if (!known.empty()) {
    naming_ = fmt::format("{}: subfolders are matched by name with {}", source_, known.title());
  } else if (!classes.empty()) {
    naming_ = fmt::format("{}: subfolders are {}", source_, classes.title());
  } else {
    classes = ClassNames(names, "its classes");
    if (number && names.size() != static_cast<std::size_t>(*number))
      fail_input("{}: {} subfolders ({}): expected {}, one per class", source_, names.size(), short_list(names),
                 *number);
    naming_ = fmt::format("{}: the classes are named after its subfolders", source_);
  }
  for (ClassFolder& one : folders) {
    const std::int32_t label = classes.number_of(one.name, source_ + ": subfolder");
    for (std::string& image : one.images) entries_.push_back({std::move(image), label, 0});
  }
  classes_ = classes.names();
  tell_unread();
}

void ImageList::tell_unread() {
  const std::pair<std::size_t, const char*> places[] = {{unread_.other_types, "of other types"},
                                                        {unread_.deeper, "in deeper folders"},
                                                        {unread_.outside, "outside the classes"}};
  std::string counts;
  for (const auto& [files, place] : places) {
    if (files == 0) continue;
    const char* noun = !counts.empty() ? "" : files == 1 ? "file " : "files ";
    counts += fmt::format("{}{} {}{}", counts.empty() ? "" : ", ", files, noun, place);
  }
  if (!counts.empty()) oddities_.push_back(fmt::format("{}: not read: {}", source_, counts));
}

/// The subfolders with images, in the order of their names; those whose names differ in their spelling alone are one.
std::vector<ImageList::ClassFolder> ImageList::class_folders() {
  std::map<std::string, std::vector<std::string>> images_of;
  std::vector<std::string> empty, circles;
  bool has_subfolders = false;
  for (const FolderEntry& entry : read_folder(source_)) {
    const fs::path path = fs::path(source_) / entry.name;
    if (entry.type == fs::file_type::unknown) (void)file_type_of(path);  // says why
    if (entry.type != fs::file_type::directory) {
      unread_.outside += is_image_file(path);
      continue;
    }
    has_subfolders = true;
    if (folder_id(path) == folder_id(source_)) {
      circles.push_back(entry.name);
      continue;
    }
    std::vector<std::string> images = images_in(path);
    if (images.empty()) {
      empty.push_back(entry.name);
      continue;
    }
    if (!is_utf8(entry.name))
      fail_input("{}: the name of the subfolder {} is not UTF-8", source_, in_quotes(entry.name));
    std::vector<std::string>& all = images_of[composed_name(entry.name)];
    if (!all.empty())
      oddities_.push_back(
          fmt::format("{}: two subfolders are one class, {}: their names differ only in how an accent is written",
                      source_, in_quotes(composed_name(entry.name))));
    all.insert(all.end(), images.begin(), images.end());
  }
  if (!has_subfolders) fail_input("{}: no subfolders: expected one per class, with its images", source_);
  if (images_of.empty())
    fail_input("{}: no images in its subfolders: expected .jpg, .png, .bmp or .webp files", source_);
  if (!empty.empty())
    oddities_.push_back(
        fmt::format("{}: subfolders without images, which are no classes: {}", source_, short_list(empty)));
  if (!circles.empty())
    oddities_.push_back(fmt::format("{}: links back to the folder, not followed: {}", source_, short_list(circles)));
  std::vector<ClassFolder> folders;
  folders.reserve(images_of.size());
  for (auto& [name, images] : images_of) folders.push_back({name, std::move(images)});
  return folders;
}

/// The paths of the images in a class's folder; counts what else is there.
std::vector<std::string> ImageList::images_in(const fs::path& folder) {
  std::vector<std::string> images;
  std::vector<std::string> circles;
  for (const FolderEntry& entry : read_folder(folder)) {
    fs::path path = folder / entry.name;
    if (entry.type == fs::file_type::unknown) (void)file_type_of(path);  // says why
    if (entry.type == fs::file_type::directory) {
      const FilesBelow below = files_below(path, {folder_id(source_), folder_id(folder)});
      if (is_nested_) {
        if (!below.unreadable.empty()) throw InputError(below.unreadable.front());
        for (const std::string& file : below.paths)
          if (is_image_file(file))
            images.push_back(file);
          else
            ++unread_.other_types;
      } else {
        unread_.deeper += below.paths.size();
      }
      circles.insert(circles.end(), below.circles.begin(), below.circles.end());
    } else if (is_image_file(path)) {
      images.push_back(path.string());
    } else {
      ++unread_.other_types;
    }
  }
  if (!circles.empty()) oddities_.push_back(fmt::format("{}: a loop of links, not followed", fmt::join(circles, ", ")));
  return images;
}

void ImageList::check_files() {
  std::size_t missing = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::string& path = entries_[i].path;
    const auto name = [&] { return fmt::format("{}: {}", sample(i).origin, path); };
    std::error_code error;
    fs::file_type type = fs::status(path, error).type();
    if (type == fs::file_type::not_found) {
      if (auto other = other_spelling(path)) {
        path = std::move(*other);
        type = fs::status(path, error).type();
      }
    }
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
