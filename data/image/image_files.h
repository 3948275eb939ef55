#pragma once
// Image files without labels: what tandem-predict is to label.

#include <cstddef>
#include <string>
#include <vector>

namespace tandem {

struct ImageFiles {
  std::vector<std::string> paths;  // in the order of the names given; a folder's in the order of their paths
  std::size_t other_types = 0;     // files in the folders that no image's extension names
};

/// Each name is an image file, whatever its extension, or a folder, which stands for the .jpg, .jpeg, .png, .bmp and
/// .webp files in it and the folders below. Hidden files and folders, and links to folders within a folder, are not
/// looked at. Whether a file is an image, reading it will show. InputError for a name that leads nowhere, a folder that
/// cannot be read, and where there is no image at all.
ImageFiles find_image_files(const std::vector<std::string>& names);

}  // namespace tandem
