#pragma once
// Runs a trained network over a list of images.

#include <functional>
#include <vector>

#include "data/image/image.h"
#include "data/image/input_geometry.h"
#include "data/loader/batch.h"
#include "data/source/image_source.h"
#include "layers/twin_towers.h"

namespace tandem {

struct Predictions {
  std::int64_t classes = 0, dimensions = 0;
  std::vector<float> logits;         ///< (N, K)
  std::vector<float> embeddings;     ///< (N, D); with PredictOptions::features those, and D is C
  std::vector<std::int32_t> labels;  ///< (N)
};

struct PredictOptions {
  InputGeometry input;
  int batch = 64;
  int workers = 2;
  bool features = false;                        ///< the backbone's features instead of the embeddings
  std::int64_t max_pixels = kDefaultMaxPixels;  ///< an image file with more is refused
  bool vectors = true;                          ///< false: neither embeddings nor features, which takes less memory
};

/// What predict() throws when it is told to stop.
struct PredictionStopped {};

/// Runs a network with its running statistics. While it lives, batch norms are folded into convolutions.
class Predictor {
 public:
  /// The backend and the network must outlive it. `features` and `vectors` as in PredictOptions.
  Predictor(Backend& backend, DType compute, TwinTowers& model, bool features = false, bool vectors = true);
  ~Predictor();
  Predictor(const Predictor&) = delete;
  Predictor& operator=(const Predictor&) = delete;

  /// Appends the predictions of a batch.
  void predict(const Batch& batch, Predictions& all);

 private:
  Backend& backend_;
  DType compute_;
  TwinTowers& model_;
  bool features_, vectors_;
};

/// Every image once, in the list's order, with the evaluation transform. Throws PredictionStopped if `stop`, which is
/// asked after each batch, says so.
Predictions predict(Backend& backend, DType compute, TwinTowers& model, const ImageSource& list,
                    const PredictOptions& options, const std::function<bool()>& stop = {});

/// The same, without a result, for one batch of blank images: takes the memory that predict() takes.
void predict_blank(Backend& backend, DType compute, TwinTowers& model, int batch, int image_size);

/// Figures of a classifier, as an epoch's line in metrics.jsonl has them.
struct Accuracy {
  double top1 = 0, top5 = 0;
  double loss = 0;  ///< mean softmax cross-entropy, without label smoothing
};
/// Error if a logit is not a finite number.
Accuracy accuracy(const Predictions& predictions);

}  // namespace tandem
