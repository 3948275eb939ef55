#include "train/predict.h"

#include <algorithm>
#include <cmath>

#include "core/error.h"
#include "data/loader.h"
#include "layers/initialise.h"
#include "train/input.h"

namespace tandem {

namespace {

/// While it lives, the model's batch norms are folded into its convolutions.
class FoldedScope {
 public:
  FoldedScope(Backend& backend, TwinTowers& model) : trunk_(model.trunk()) { trunk_.fold(backend); }
  ~FoldedScope() { trunk_.unfold(); }
  FoldedScope(const FoldedScope&) = delete;
  FoldedScope& operator=(const FoldedScope&) = delete;

 private:
  ResNet& trunk_;
};

}  // namespace

Predictions predict(Backend& backend, DType compute, TwinTowers& model, const ImageList& list,
                    const PredictOptions& options) {
  EvalLoader loader(list, {options.batch, options.image_size, static_cast<unsigned>(options.workers)});
  const FoldedScope folded(backend, model);
  Context context{backend, compute};
  Predictions all;
  const auto append = [&](const Variable& from, std::vector<float>& to, std::int64_t& columns) {
    columns = from.shape()[1];
    const std::vector<double> values = download(backend, from.value());
    to.insert(to.end(), values.begin(), values.end());
  };
  while (auto batch = loader.next()) {
    const TowerOutputs outputs = model.forward(context, upload_images(backend, compute, *batch));
    append(outputs.logits, all.logits, all.classes);
    append(options.features ? outputs.features : outputs.embeddings, all.embeddings, all.dimensions);
    all.labels.insert(all.labels.end(), batch->labels.begin(), batch->labels.end());
    loader.recycle(std::move(*batch));
  }
  return all;
}

void predict_blank(Backend& backend, DType compute, TwinTowers& model, int batch, int image_size) {
  Tensor pixels = backend.empty({batch, image_size, image_size, 3}, DType::u8);
  backend.fill(pixels, 0);
  const FoldedScope folded(backend, model);
  Context context{backend, compute};
  Tensor images = backend.empty(pixels.shape(), compute);
  backend.normalize_images(pixels, images);
  model.forward(context, images);
  backend.synchronize();
}

Accuracy accuracy(const Predictions& p) {
  Accuracy sums;
  for (std::size_t i = 0; i < p.labels.size(); ++i) {
    const float* z = p.logits.data() + i * static_cast<std::size_t>(p.classes);
    const float own = z[p.labels[i]], top = *std::max_element(z, z + p.classes);
    double exponentials = 0;
    std::int64_t ahead = 0;  // classes that rank before the label; of equal logits the lower class comes first
    for (std::int64_t k = 0; k < p.classes; ++k) {
      exponentials += std::exp(static_cast<double>(z[k]) - static_cast<double>(top));
      ahead += z[k] > own || (z[k] == own && k < p.labels[i]);
    }
    sums.top1 += ahead < 1;
    sums.top5 += ahead < 5;
    sums.loss += std::log(exponentials) + static_cast<double>(top) - static_cast<double>(own);
  }
  // Comparisons with NaN are false, so that a network that has diverged would pass for one that is always right.
  require(std::isfinite(sums.loss),
          "the loss of the evaluation is not a finite number ({}): the run diverged, lower the learning rate",
          sums.loss);
  const auto n = static_cast<double>(p.labels.size());
  return {sums.top1 / n, sums.top5 / n, sums.loss / n};
}

}  // namespace tandem
