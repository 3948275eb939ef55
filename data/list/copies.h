#pragma once
// Images that are there twice: found by the content of their files, whatever they are called.

#include <cstddef>
#include <string>
#include <vector>

#include "data/source/image_source.h"

namespace tandem {

struct Copies {
  std::size_t shared = 0;        // images of the evaluation whose files are, byte by byte, files of the training
  std::string first_shared;      // "val/1.png is train/2.png"
  std::size_t two_labels = 0;    // contents that are listed under two labels or more
  std::string first_two_labels;  // "a.png is 'mug', b.png 'shoe'"
};

/// Compares the images, as their sources keep them, of a training list and of an evaluation (null: none), whose classes
/// must be the same, as equal_files() does.
Copies find_copies(const ImageSource& train, const ImageSource* eval, unsigned threads = 0);

/// A line each on what find_copies() finds.
std::vector<std::string> copy_remarks(const ImageSource& train, const ImageSource* eval = nullptr);

}  // namespace tandem
