#pragma once
// Loaders: batches of decoded, augmented images, prepared ahead by worker threads. What they deliver does not depend on
// the number of workers.
//
// All loaders: the list must outlive the loader. workers = 0 prepares a batch within next(). A bad image makes next()
// throw what read_image threw, for the first bad image of the batch; FileLoader alone goes on. recycle() takes a
// batch's buffers back once it has been used, which spares allocations; it is never required. A loader may be destroyed
// at any time.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "data/image/image.h"
#include "data/image/transform.h"
#include "data/loader/batch.h"
#include "data/loader/pair_stream.h"
#include "data/source/image_source.h"

namespace tandem {

class Prefetcher;

struct PairLoaderOptions {
  PairOptions pairs;
  InputGeometry input;
  AugmentOptions augment;
  std::uint64_t seed = 0;
  unsigned workers = 2;
  std::int64_t first_step = 0;                  // the step of the first batch
  std::int64_t last_step = 0;                   // one past the step of the last batch
  std::int64_t max_pixels = kDefaultMaxPixels;  // an image with more is a bad one
  bool fast_decode = false;                     // JPEG files are decoded reduced where they may be (transform.h)
};

/// The batches of steps first_step .. last_step - 1, in order (see pair_stream.h); of each step, pairs.accumulate.
class PairLoader {
 public:
  PairLoader(const ImageSource& list, PairLoaderOptions options);
  ~PairLoader();
  /// The next batch. Throws Error after the last one.
  Batch next();
  void recycle(Batch&& batch);

 private:
  void mix(Batch& batch, std::int64_t number) const;

  AugmentOptions augment_;
  std::uint64_t seed_;
  std::int64_t number_;  // of the next batch, counted from that of step 0
  std::unique_ptr<Prefetcher> prefetcher_;
};

struct EvalLoaderOptions {
  int batch = 0;  // images; the last batch may have fewer
  InputGeometry input;
  unsigned workers = 2;
  std::int64_t max_pixels = kDefaultMaxPixels;  // an image with more is a bad one
};

/// Every image once, in the list's order, through eval_transform.
class EvalLoader {
 public:
  EvalLoader(const ImageSource& list, EvalLoaderOptions options);
  ~EvalLoader();
  /// The next batch; none after the last one.
  std::optional<Batch> next();
  void recycle(Batch&& batch);

 private:
  std::unique_ptr<Prefetcher> prefetcher_;
};

/// Every file once, in order, through eval_transform; labels are 0. An image that cannot be used is black, and error()
/// says why.
class FileLoader {
 public:
  FileLoader(const std::vector<std::string>& paths, EvalLoaderOptions options);
  ~FileLoader();
  /// The next batch; none after the last one.
  std::optional<Batch> next();
  void recycle(Batch&& batch);
  /// Why a file of the batches so far cannot be used; empty if it can.
  const std::string& error(std::size_t file) const { return errors_[file]; }

 private:
  std::vector<std::string> errors_;  // One for each file, so that workers need no lock.
  std::unique_ptr<Prefetcher> prefetcher_;
};

}  // namespace tandem
