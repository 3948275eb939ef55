#pragma once
// Walks over folders of files without labels: what tandem-predict is to label.

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace tandem {

/// A folder, whatever the path that leads to it: its device and its number there.
using FolderId = std::pair<dev_t, ino_t>;
FolderId folder_id(const std::filesystem::path& folder);

struct FilesBelow {
  std::vector<std::string> paths;       // in their order; whatever is no folder, links that lead nowhere included
  std::vector<std::string> circles;     // links to a folder that they lie in, which are not followed
  std::vector<std::string> unreadable;  // why a folder cannot be read
};
/// Every file in a folder and those below it, links to folders followed, but what read_folder() leaves out. `above`:
/// folders that the folder lies in; a link to one of them is a circle too.
FilesBelow files_below(const std::filesystem::path& folder, std::vector<FolderId> above = {});

struct ImageFiles {
  std::vector<std::string> paths;    // in the order of the names given; a folder's in the order of their paths
  std::vector<std::string> circles;  // as in FilesBelow
};

/// Each name is a file, or a folder, which stands for every file in it and the folders below, whatever its type.
/// Whether a file is an image, reading it will show. InputError for a name that leads nowhere, a folder that cannot be
/// read, and where there is no file at all.
ImageFiles find_image_files(const std::vector<std::string>& names);

}  // namespace tandem
