#pragma once
// What a path leads to, as lists and folders of images ask.

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace tandem {

/// What a path leads to, links followed; not_found if there is nothing. Throws InputError, which begins with `name`, if
/// that cannot be told: no permission, links in a circle.
std::filesystem::file_type file_type_of(const std::filesystem::path& path, const std::string& name);
inline std::filesystem::file_type file_type_of(const std::filesystem::path& path) {
  return file_type_of(path, path.string());
}

/// Whether a file's extension is one of those that folders are searched for: .jpg, .jpeg, .png, .bmp, .webp, in any
/// case.
bool is_image_name(const std::filesystem::path& path);

struct FolderEntry {
  std::string name;
  std::filesystem::file_type type;  // links followed; not_found for one that leads nowhere
};
/// What is in a folder, in the order of names, but the hidden entries. Throws InputError as above, and if the folder
/// cannot be read.
std::vector<FolderEntry> read_folder(const std::filesystem::path& folder);

/// How many files there are in a folder and those below it. Hidden ones, those that cannot be read and those behind
/// links to folders do not count.
std::size_t count_files(const std::filesystem::path& folder);

}  // namespace tandem
