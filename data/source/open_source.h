#pragma once
// The one place where the name of a source becomes the source, whatever it is kept in.

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "data/source/image_source.h"

namespace tandem {

/// How a source is named.
struct SourceSpec {
  std::string path;
  std::filesystem::path root = {};        ///< where the paths of a list or a table start; empty: at its own folder
  std::optional<std::string> split = {};  ///< of a table: the value of the column `split` that is taken
  double weight = 1;                      ///< how often each of its images is shown an epoch; above 0
};

/// Opens a source. What it is, is told by its content, else by how its name ends:
///
///   a folder with data.mdb in it, an LMDB file   a database of Caffe's (lmdb_source.h)
///   a folder; a folder with "/**" behind it       the folder's subfolders as classes (data/list/image_list.h)
///   NAME.csv, NAME.tsv                            a table (table_source.h)
///   a tar archive                                 WebDataset (tar_source.h)
///   an IDX file, .gz or not                       the images of MNIST's family (idx_source.h)
///   NAME.bin                                      CIFAR-10 or CIFAR-100 (cifar_source.h)
///   any other file                                a list (data/list/image_list.h)
///
/// Braces name several files, "shards-{000..009}.tar" (names.h), unless there is a file of the very name: archives make
/// one source, other files are joined. `classes` is the number of classes that is expected. InputError for what cannot
/// be used, and for a root or a split where it means nothing.
std::unique_ptr<const ImageSource> open_source(const SourceSpec& spec, std::optional<int> classes = {});
/// The same for a network that knows its classes: the source's are matched with them by name.
std::unique_ptr<const ImageSource> open_known_source(const SourceSpec& spec, const std::vector<std::string>& classes);
/// Several sources as one, one after the other. The first one names the classes, with which those of the others are
/// matched by name. At least one.
std::unique_ptr<const ImageSource> open_sources(std::span<const SourceSpec> specs, std::optional<int> classes = {});

}  // namespace tandem
