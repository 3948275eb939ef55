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
};

/// images_per_s over all batches, and the options. An epoch that ends is followed by the next one.
nlohmann::ordered_json bench_loader(const LoaderBenchOptions& options);

}  // namespace tandem
