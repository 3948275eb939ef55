#pragma once
// The synthetic data set on disk.

#include <cstdint>
#include <filesystem>

namespace tandem::synth {

struct DatasetOptions {
  std::filesystem::path out;
  int classes = 12;
  int train = 100;  // images a class
  int test = 25;    // images a class
  int size = 96;    // height and width, pixels
  std::uint64_t seed = 1;
};

/// Writes out/train/CLASS/0001.png ..., out/test/CLASS/0001.png ..., then out/classes.txt, out/train.txt and
/// out/test.txt, so that a list never names an image that is not there yet. Each image is a pure function of (seed,
/// class, split, number, size). Throws InputError for options out of range or a folder that cannot be written; Error if
/// writing fails later on.
void write_dataset(const DatasetOptions& options);

}  // namespace tandem::synth
