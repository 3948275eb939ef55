#pragma once
// Writes what a source holds as another one.

#include <filesystem>
#include <optional>

#include "data/source/open_source.h"

namespace tandem {

struct ConvertOptions {
  SourceSpec source;
  std::filesystem::path out;
  std::optional<int> shard = {};  ///< images of a tar archive; absent: all are in one
};

/// Writes every image in order, with its label. The name of `out` says what is written:
///
///   NAME.tar   an archive for WebDataset, 00000000.jpg and 00000000.cls (the class's number), ...; with `shard`
///   several,
///              NAME-000000.tar, ...; the names of the classes in a classes.txt beside it
///   NAME.lmdb  a folder with a database of Caffe's, data.mdb, and classes.txt
///   any other  a folder with list.txt, classes.txt and images/00000000.jpg, ...
///
/// An image file's bytes stay as they are. Pixels that a source keeps without a file become PNG files, or a Datum of
/// raw pixels. What is written appears whole or not at all; of several archives, each. Returns the number of images.
/// InputError if `out` is there already, or if a classes.txt beside it names other classes.
std::size_t convert_source(const ConvertOptions& options);

/// The same as a program's subcommand; returns the exit status.
int run_convert(const ConvertOptions& options);

}  // namespace tandem
