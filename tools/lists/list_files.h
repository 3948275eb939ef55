#pragma once
// Lists that are written: images of data sets under other names, without touching them.

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include "tools/study/parts.h"

namespace tandem::tools {

/// InputError, beginning with `option`, unless a file may be written to `path`: its folder exists or can be made, and
/// it is neither an image, nor a folder, nor one of `inputs`.
void check_list_place(const std::string& option, const std::filesystem::path& path,
                      const std::vector<std::filesystem::path>& inputs);

struct ListFile {
  std::filesystem::path path;
  std::vector<std::size_t> images;  // in this order
};

/// Writes lists into one folder, and the classes' names to classes.txt there unless they are the numbers of a list
/// that has none. A line is a path, a tab, and the class's name. Paths are relative to the folder for images below it,
/// else absolute. Every file appears whole or not at all, and none before all are written. InputError for a folder with
/// another classes.txt and for a path that no list can name.
void write_lists(const Parts& parts, const std::vector<ListFile>& lists);

}  // namespace tandem::tools
