#include "data/list/files.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <fstream>
#include <span>
#include <system_error>

#include "core/base/error.h"
#include "data/image/image_header.h"

namespace tandem {

namespace fs = std::filesystem;

namespace {

fs::file_type told(const fs::file_status& status, const std::error_code& error, const std::string& name) {
  if (error && status.type() != fs::file_type::not_found) fail_input("{}: cannot read: {}", name, error.message());
  return status.type();
}

/// Folders of archives, network disks and trash; never somebody's class.
bool is_left_by_a_system(const std::string& name) {
  constexpr std::array<const char*, 9> kNames = {"__MACOSX", "@eaDir",       "#recycle",   "@Recycle",
                                                 "@__thumb", "$RECYCLE.BIN", "lost+found", "System Volume Information",
                                                 "#snapshot"};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

}  // namespace

fs::file_type file_type_of(const fs::path& path, const std::string& name) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  return told(status, error, name);
}

fs::path folder_of(const fs::path& path) {
  // A folder may be named with a slash at its end, which would make it its own parent.
  const fs::path named = path.has_filename() ? path : path.parent_path();
  if (named.filename() == "." || named.filename() == "..") return named / "..";
  return named.has_parent_path() ? named.parent_path() : fs::path(".");
}

bool is_image_name(const fs::path& path) {
  constexpr std::array<const char*, 9> kExtensions = {".jpg", ".jpeg", ".jpe", ".jfif", ".jif",
                                                      ".png", ".bmp",  ".dib", ".webp"};
  std::string extension = path.extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

bool begins_as_image(const fs::path& path) {
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return false;  // Opening a pipe would wait for somebody to write.
  std::array<std::uint8_t, 64> begin{};                 // As much as tells the formats apart.
  std::ifstream file(path, std::ios::binary);
  file.read(reinterpret_cast<char*>(begin.data()), begin.size());
  constexpr std::array kFormats = {ImageFormat::jpeg, ImageFormat::png, ImageFormat::bmp, ImageFormat::webp};
  const auto read = static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0));
  const ImageFormat format = read_image_header(std::span(begin).first(read)).format;
  return std::find(kFormats.begin(), kFormats.end(), format) != kFormats.end();
}

bool is_image_file(const fs::path& path) {
  return is_image_name(path) || (path.extension().empty() && begins_as_image(path));
}

std::vector<FolderEntry> read_folder(const fs::path& folder) {
  std::vector<FolderEntry> entries;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (name.front() == '.') continue;
    // The entry mostly knows its type: no question to the file system for each file.
    std::error_code untold;
    const fs::file_type type = entry->status(untold).type();
    if (type == fs::file_type::directory && is_left_by_a_system(name)) continue;
    entries.push_back({std::move(name), untold && type == fs::file_type::none ? fs::file_type::unknown : type});
  }
  if (error) fail_input("{}: cannot read the folder: {}", folder.string(), error.message());
  std::sort(entries.begin(), entries.end(), [](const FolderEntry& a, const FolderEntry& b) { return a.name < b.name; });
  return entries;
}

}  // namespace tandem
