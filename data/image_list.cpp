#include "data/image_list.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>
#include <map>
#include <mutex>
#include <system_error>

#include "core/error.h"
#include "core/thread_pool.h"
#include "data/image.h"
#include "data/text_lines.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

/// Somebody's text within a message: not too long.
std::string in_quotes(const std::string& text) {
  constexpr std::size_t kLongest = 80;
  return "'" + (text.size() <= kLongest ? text : text.substr(0, kLongest) + "...") + "'";
}

/// The folder that a path lies in; never empty.
fs::path folder_of(const fs::path& path) {
  // A folder may be named with a slash at its end, which would make it its own parent.
  const fs::path parent = (path.has_filename() ? path : path.parent_path()).parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

/// The names in the first classes.txt found in `folders`; none if there is none.
std::vector<std::string> read_class_names(const std::vector<fs::path>& folders, std::optional<int> expected) {
  for (const fs::path& folder : folders) {
    const fs::path path = folder / "classes.txt";
    std::error_code ignored;
    if (!fs::exists(path, ignored)) continue;
    std::vector<std::string> names;
    std::map<std::string, std::uint32_t> line_of;
    for (TextLine& line : read_text_lines(path)) {
      const auto [first, is_new] = line_of.emplace(line.text, line.number);
      if (!is_new)
        fail_input("{}:{}: class {} is already on line {}", path.string(), line.number, in_quotes(line.text),
                   first->second);
      names.push_back(std::move(line.text));
    }
    if (names.empty()) fail_input("{}: names no class: expected one a line", path.string());
    if (expected && names.size() != static_cast<std::size_t>(*expected))
      fail_input("{}: names {} classes: expected {}", path.string(), names.size(), *expected);
    return names;
  }
  return {};
}

bool is_image_name(const fs::path& path) {
  constexpr std::array<const char*, 5> kExtensions = {".jpg", ".jpeg", ".png", ".bmp", ".webp"};
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

/// The names in a folder that `wanted` accepts, sorted; hidden ones are left out.
template <class Wanted>
std::vector<std::string> sorted_names(const fs::path& folder, Wanted wanted) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (name.front() != '.' && wanted(*entry)) names.push_back(std::move(name));
  }
  if (error) fail_input("{}: cannot read the folder: {}", folder.string(), error.message());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

ImageList ImageList::load(const fs::path& path, const fs::path& root, std::optional<int> classes) {
  std::error_code ignored;
  if (!root.empty() && !fs::is_directory(root, ignored))
    fail_input("{}: no such folder: expected the root of {}", root.string(), path.string());
  ImageList list;
  list.source_ = path.string();
  if (fs::is_directory(path, ignored)) {
    list.load_folder(root, classes);
  } else {
    if (!fs::exists(path, ignored)) fail_input("{}: no such image list or folder", path.string());
    list.load_list(root, classes);
  }
  list.check_files_exist();
  return list;
}

ImageSample ImageList::sample(std::size_t i) const {
  const Entry& entry = entries_[i];
  return {entry.path, entry.label, entry.line == 0 ? source_ : fmt::format("{}:{}", source_, entry.line)};
}

void ImageList::load_list(const fs::path& root, std::optional<int> classes) {
  const fs::path folder = folder_of(source_);
  const fs::path base = root.empty() ? folder : root;
  classes_ = read_class_names({folder, base}, classes);
  const auto known = static_cast<std::int32_t>(classes_.empty() ? classes.value_or(0) : classes_.size());

  std::int32_t largest = 0;
  for (const TextLine& line : read_text_lines(source_)) {
    const std::string where = fmt::format("{}:{}", source_, line.number);
    const std::size_t blank = line.text.find_last_of(" \t");
    if (blank == std::string::npos)
      fail_input("{}: {} has no label: expected 'path label'", where, in_quotes(line.text));
    const std::string word = line.text.substr(blank + 1);
    std::int32_t label = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), label);
    if (error != std::errc() || end != word.data() + word.size())
      fail_input("{}: label {} is not an integer: expected 'path label'", where, in_quotes(word));
    if (label < 0) fail_input("{}: label {} is negative: expected a class from 0", where, label);
    if (known > 0 && label >= known)
      fail_input("{}: label {} is too large: expected 0 to {} ({} classes)", where, label, known - 1, known);
    largest = std::max(largest, label);
    const std::string name = line.text.substr(0, line.text.find_last_not_of(" \t", blank) + 1);
    entries_.push_back({(base / name).lexically_normal().string(), label, line.number});
  }
  if (entries_.empty()) fail_input("{}: the list is empty: expected 'path label' lines", source_);
  if (entries_.size() > std::numeric_limits<std::uint32_t>::max())
    fail_input("{}: {} images: expected fewer than 2^32", source_, entries_.size());

  // Names would cost memory in proportion to a mistyped label.
  constexpr std::int32_t kMostClasses = 1 << 24;
  if (largest >= kMostClasses)
    fail_input("{}: label {} is too large: expected below {}", source_, largest, kMostClasses);
  named_ = !classes_.empty();
  if (!named_)
    for (std::int32_t i = 0; i < (known > 0 ? known : largest + 1); ++i) classes_.push_back(std::to_string(i));
}

void ImageList::load_folder(const fs::path& root, std::optional<int> classes) {
  const fs::path folder = source_;
  const std::vector<std::string> subfolders =
      sorted_names(folder, [](const fs::directory_entry& entry) { return entry.is_directory(); });
  if (subfolders.empty()) fail_input("{}: no subfolders: expected one a class, with its images", source_);
  classes_ = read_class_names({folder, folder_of(folder), root.empty() ? folder : root}, classes);
  if (classes_.empty()) {
    classes_ = subfolders;
    if (classes && classes_.size() != static_cast<std::size_t>(*classes))
      fail_input("{}: {} subfolders: expected {}, one a class", source_, classes_.size(), *classes);
  }
  for (const std::string& name : subfolders) {
    const auto found = std::find(classes_.begin(), classes_.end(), name);
    if (found == classes_.end()) fail_input("{}: subfolder {} is no class of classes.txt", source_, in_quotes(name));
    const auto label = static_cast<std::int32_t>(found - classes_.begin());
    const auto is_image = [](const fs::directory_entry& entry) {
      return is_image_name(entry.path()) && !entry.is_directory();
    };
    for (const std::string& file : sorted_names(folder / name, is_image))
      entries_.push_back({(folder / name / file).string(), label, 0});
  }
  if (entries_.empty())
    fail_input("{}: no images in its subfolders: expected .jpg, .png, .bmp or .webp files", source_);
}

void ImageList::check_files_exist() const {
  std::size_t missing = 0;
  std::size_t first = 0;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    std::error_code ignored;
    if (fs::exists(entries_[i].path, ignored)) continue;
    if (missing++ == 0) first = i;
  }
  if (missing == 0) return;
  const ImageSample sample = this->sample(first);
  fail_input("{}: {}: no such image file ({} of the list's {} are missing)", sample.origin, sample.path, missing,
             size());
}

std::vector<BadImage> find_bad_images(const ImageList& list, unsigned threads, std::size_t limit) {
  std::mutex mutex;
  std::map<std::size_t, std::string> bad;
  parallel_for_each(list.size(), threads, [&](std::size_t i) {
    {
      const std::lock_guard lock(mutex);
      if (bad.size() >= limit && (limit == 0 || i > bad.rbegin()->first)) return;  // enough come before this one
    }
    try {
      const ImageSample sample = list.sample(i);
      read_image(sample.path, sample.origin);
    } catch (const InputError& e) {
      const std::lock_guard lock(mutex);
      bad.emplace(i, e.what());
    }
  });
  std::vector<BadImage> result;
  for (auto& [index, message] : bad)
    if (result.size() < limit) result.push_back({index, std::move(message)});
  return result;
}

void check_decodes(const ImageList& list, unsigned threads) {
  const std::vector<BadImage> bad = find_bad_images(list, threads, 1);
  if (!bad.empty()) throw InputError(bad.front().message);
}

}  // namespace tandem
