#include "data/image/image_files.h"

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "core/base/error.h"
#include "data/list/files.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

void add_folder(const fs::path& folder, ImageFiles& files) {
  const auto first = static_cast<std::ptrdiff_t>(files.paths.size());
  std::string last = folder.string();  // The folder gone into last, which is the one that cannot be read.
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    const fs::path& path = entry->path();
    std::error_code untold;  // A link that leads nowhere is no folder; reading it will say so.
    if (path.filename().string().front() == '.')
      entry.disable_recursion_pending();
    else if (entry->is_directory(untold))
      last = path.string();
    else if (is_image_name(path))
      files.paths.push_back(path.string());
    else
      ++files.other_types;
  }
  if (error) fail_input("{}: cannot read the folder: {}", last, error.message());
  std::sort(files.paths.begin() + first, files.paths.end());
}

}  // namespace

ImageFiles find_image_files(const std::vector<std::string>& names) {
  ImageFiles files;
  for (const std::string& name : names) {
    const fs::file_type type = file_type_of(name);
    if (type == fs::file_type::not_found) fail_input("{}: no such image file or folder", name);
    if (type == fs::file_type::directory)
      add_folder(name, files);
    else
      files.paths.push_back(name);
  }
  if (files.paths.empty())
    fail_input("{}: no images there: expected .jpg, .png, .bmp or .webp files", fmt::join(names, ", "));
  return files;
}

}  // namespace tandem
