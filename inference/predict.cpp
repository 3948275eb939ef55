#include "inference/predict.h"

#include <algorithm>
#include <cmath>

#include "core/backend/host_copy.h"
#include "core/base/error.h"
#include "data/loader/loader.h"
#include "inference/input.h"

namespace tandem {

Predictor::Predictor(Backend& backend, DType compute, TwinTowers& model, bool features, bool vectors)
    : backend_(backend), compute_(compute), model_(model), features_(features), vectors_(vectors) {
  model_.backbone().fold(backend);
}

Predictor::~Predictor() { model_.backbone().unfold(); }

void Predictor::predict(const Batch& batch, Predictions& all) {
  const auto append = [&](const Variable& from, std::vector<float>& to, std::int64_t& columns) {
    columns = from.shape()[1];
    const std::vector<double> values = download(backend_, from.value());
    to.insert(to.end(), values.begin(), values.end());
  };
  Context context{backend_, compute_};
  const TowerOutputs outputs = model_.forward(context, upload_images(backend_, compute_, batch));
  append(outputs.logits, all.logits, all.classes);
  if (vectors_) append(features_ ? outputs.features : outputs.embeddings, all.embeddings, all.dimensions);
  all.labels.insert(all.labels.end(), batch.labels.begin(), batch.labels.end());
}

Predictions predict(Backend& backend, DType compute, TwinTowers& model, const ImageSource& list,
                    const PredictOptions& options, const std::function<bool()>& stop) {
  EvalLoader loader(list, {options.batch, options.input, static_cast<unsigned>(options.workers), options.max_pixels});
  Predictor predictor(backend, compute, model, options.features, options.vectors);
  Predictions all;
  while (auto batch = loader.next()) {
    predictor.predict(*batch, all);
    loader.recycle(std::move(*batch));
    if (stop && stop()) throw PredictionStopped();
  }
  return all;
}

void predict_blank(Backend& backend, DType compute, TwinTowers& model, int batch, int image_size) {
  const auto images = static_cast<std::size_t>(batch), side = static_cast<std::size_t>(image_size);
  const Batch blank{0, batch, image_size, std::vector<std::uint8_t>(images * side * side * 3),
                    std::vector<std::int32_t>(images)};
  Predictions unused;
  Predictor(backend, compute, model).predict(blank, unused);
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
