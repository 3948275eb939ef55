#include "data/list/image_walk.h"

#include <sys/stat.h>

#include <algorithm>

#include "core/base/error.h"
#include "data/list/files.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;

/// Adds what is in a folder; `above` are the folders on the way to it.
void walk(const fs::path& folder, std::vector<FolderId>& above, FilesBelow& files) {
  const FolderId id = folder_id(folder);
  if (std::find(above.begin(), above.end(), id) != above.end()) {
    files.circles.push_back(folder.string());
    return;
  }
  std::vector<FolderEntry> entries;
  try {
    entries = read_folder(folder);
  } catch (const InputError& e) {
    files.unreadable.emplace_back(e.what());
    return;
  }
  above.push_back(id);
  for (const FolderEntry& entry : entries) {
    if (entry.type == fs::file_type::directory)
      walk(folder / entry.name, above, files);
    else
      files.paths.push_back((folder / entry.name).string());
  }
  above.pop_back();
}

}  // namespace

FolderId folder_id(const fs::path& folder) {
  struct stat status = {};
  return ::stat(folder.c_str(), &status) == 0 ? FolderId(status.st_dev, status.st_ino) : FolderId();
}

FilesBelow files_below(const fs::path& folder, std::vector<FolderId> above) {
  FilesBelow files;
  walk(folder, above, files);
  std::sort(files.paths.begin(), files.paths.end());
  return files;
}

ImageFiles find_image_files(const std::vector<std::string>& names) {
  ImageFiles files;
  for (const std::string& name : names) {
    const fs::file_type type = file_type_of(name);
    if (type == fs::file_type::not_found) fail_input("{}: no such image file or folder", name);
    if (type != fs::file_type::directory) {
      files.paths.push_back(name);
      continue;
    }
    const FilesBelow below = files_below(name);
    if (!below.unreadable.empty()) throw InputError(below.unreadable.front());
    files.paths.insert(files.paths.end(), below.paths.begin(), below.paths.end());
    files.circles.insert(files.circles.end(), below.circles.begin(), below.circles.end());
  }
  if (files.paths.empty()) fail_input("{}: no files there: expected images", fmt::join(names, ", "));
  return files;
}

}  // namespace tandem
