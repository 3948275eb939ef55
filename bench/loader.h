#pragma once
// Times the loader: decoding and augmenting, without a network.

#include <nlohmann/json.hpp>
#include <string>

namespace tandem {

struct LoaderBenchOptions {
  std::string data;  ///< a list file, or a folder with one subfolder a class
  int pairs = 32;
  int size = 224;
  int workers = 2;
  int batches = 50;
  bool fast_decode = true;
};

/// images_per_s over all batches, images_per_cpu_s of a core's time, and the options. An epoch that ends is followed by
/// the next one.
nlohmann::ordered_json bench_loader(const LoaderBenchOptions& options);

/// The same for photos of each size (bench/photos.h), which are made in `folder` if they are not there, with 1 worker
/// and with 2. Of `options` the size and the decoding count. mean_difference: of a batch's pixel values, from 0 to 255,
/// between fast and full decoding.
nlohmann::ordered_json bench_photos(const std::string& folder, const LoaderBenchOptions& options);

}  // namespace tandem
