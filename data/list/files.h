#pragma once
// What a path leads to, as lists and folders of images ask.

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

/// The folder that a path lies in; never empty.
std::filesystem::path folder_of(const std::filesystem::path& path);

/// Whether a file's extension is that of an image: .jpg, .jpeg, .jpe, .jfif, .jif, .png, .bmp, .dib or .webp, in any
/// case.
bool is_image_name(const std::filesystem::path& path);

/// Whether a file in a folder of images is one: by its extension or, if it has none, by how its content begins. Reading
/// it will show whether it can be used.
bool is_image_file(const std::filesystem::path& path);
/// Whether a file begins as an image of a format that Tandem reads.
bool begins_as_image(const std::filesystem::path& path);

struct FolderEntry {
  std::string name;
  std::filesystem::file_type type;  // links followed; not_found for one that leads nowhere, unknown if not to be told
};
/// What is in a folder, in the order of names, but hidden entries and the folders that systems leave beside people's
/// own: __MACOSX, @eaDir, lost+found and the like. Throws InputError if the folder cannot be read.
std::vector<FolderEntry> read_folder(const std::filesystem::path& folder);

}  // namespace tandem
