#include "data/list/files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <system_error>

#include "core/base/error.h"

namespace tandem {

namespace fs = std::filesystem;

namespace {

fs::file_type told(const fs::file_status& status, const std::error_code& error, const std::string& name) {
  if (error && status.type() != fs::file_type::not_found) fail_input("{}: cannot read: {}", name, error.message());
  return status.type();
}

}  // namespace

fs::file_type file_type_of(const fs::path& path, const std::string& name) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  return told(status, error, name);
}

bool is_image_name(const fs::path& path) {
  constexpr std::array<const char*, 5> kExtensions = {".jpg", ".jpeg", ".png", ".bmp", ".webp"};
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

std::vector<FolderEntry> read_folder(const fs::path& folder) {
  std::vector<FolderEntry> entries;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (name.front() == '.') continue;
    // The entry mostly knows its type: no question to the file system for each file.
    std::error_code untold;
    const fs::file_status status = entry->status(untold);
    entries.push_back({std::move(name), told(status, untold, entry->path().string())});
  }
  if (error) fail_input("{}: cannot read the folder: {}", folder.string(), error.message());
  std::sort(entries.begin(), entries.end(), [](const FolderEntry& a, const FolderEntry& b) { return a.name < b.name; });
  return entries;
}

std::size_t count_files(const fs::path& folder) {
  std::size_t files = 0;
  std::error_code error;
  const auto options = fs::directory_options::skip_permission_denied;
  for (fs::recursive_directory_iterator entry(folder, options, error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code ignored;
    const bool hidden = entry->path().filename().string().front() == '.';
    if (hidden) entry.disable_recursion_pending();
    files += !hidden && entry->is_regular_file(ignored);
  }
  return files;
}

}  // namespace tandem
