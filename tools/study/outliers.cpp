#include "tools/study/outliers.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>

#include "core/base/timing.h"
#include "data/loader/loader.h"
#include "inference/distances.h"
#include "inference/network.h"
#include "inference/predict.h"
#include "tools/study/counting.h"

namespace tandem::tools {
namespace {

constexpr std::size_t kNeighbours = 5;

/// The embeddings of files that can be used, (N, D).
Predictions embed(const std::vector<std::string>& paths, const ModelFile& file, std::int64_t max_pixels) {
  constexpr int kBatch = 64;
  constexpr unsigned kWorkers = 2;
  const ModelDescription& model = file.description();
  Network network(file, "auto", std::nullopt);
  Predictions all;
  network.run(kBatch, model.input.size, [&] {
    FileLoader loader(paths, {kBatch, model.input, kWorkers, max_pixels});
    Predictor predictor(*network.engine.backend, network.engine.compute, network.model, !model.embedding_trained);
    Counting counting("embedding", paths.size());
    while (std::optional<Batch> batch = loader.next()) {
      predictor.predict(*batch, all);
      for (int i = 0; i < batch->images; ++i) counting.add();
      loader.recycle(std::move(*batch));
    }
  });
  return all;
}

/// The mean of the smallest distances in a row to other images of a label.
double distance_to_own(std::span<const float> row, std::size_t image, std::span<const std::size_t> labels) {
  std::vector<float> own;
  for (std::size_t j = 0; j < row.size(); ++j)
    if (j != image && labels[j] == labels[image]) own.push_back(row[j]);
  const std::size_t nearest = std::min(kNeighbours, own.size());
  std::partial_sort(own.begin(), own.begin() + static_cast<std::ptrdiff_t>(nearest), own.end());
  double sum = 0;
  for (std::size_t k = 0; k < nearest; ++k) sum += own[k];
  return nearest > 0 ? sum / static_cast<double>(nearest) : 0;
}

std::size_t nearest_other(std::span<const float> row, std::size_t image) {
  std::size_t nearest = image == 0 ? 1 : 0;
  for (std::size_t j = 0; j < row.size(); ++j)
    if (j != image && row[j] < row[nearest]) nearest = j;
  return nearest;
}

}  // namespace

std::vector<Outlier> find_outliers(std::span<const float> embeddings, std::span<const std::size_t> labels,
                                   std::size_t dimensions, unsigned threads) {
  constexpr std::size_t kFewest = 10;
  constexpr double kDeviations = 5, kNormal = 1.4826;
  std::vector<Outlier> all(labels.size());
  DistanceRows(embeddings, dimensions).for_each(threads, [&](std::size_t i, std::span<const float> row) {
    all[i] = {i, distance_to_own(row, i, labels), 0, nearest_other(row, i)};
  });
  std::size_t classes = 0;
  for (const std::size_t label : labels) classes = std::max(classes, label + 1);
  std::vector<std::vector<double>> distances(classes);
  for (std::size_t i = 0; i < labels.size(); ++i) distances[labels[i]].push_back(all[i].distance);
  std::vector<double> middles(classes), deviations(classes);
  for (std::size_t c = 0; c < classes; ++c) {
    if (distances[c].size() < kFewest) continue;
    middles[c] = median(distances[c]);
    for (double& distance : distances[c]) distance = std::abs(distance - middles[c]);
    deviations[c] = kNormal * median(distances[c]);
  }
  std::vector<Outlier> outliers;
  for (Outlier& one : all) {
    const std::size_t label = labels[one.image];
    if (deviations[label] <= 0) continue;
    one.score = (one.distance - middles[label]) / deviations[label];
    if (one.score > kDeviations) outliers.push_back(one);
  }
  std::stable_sort(outliers.begin(), outliers.end(),
                   [](const Outlier& a, const Outlier& b) { return a.score > b.score; });
  return outliers;
}

std::vector<Outlier> find_outliers(const Parts& parts, const Photos& photos, const ModelFile& model,
                                   std::int64_t max_pixels) {
  parts.require_files("--model");
  std::vector<std::size_t> images, labels;
  std::vector<std::string> paths;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (!photos.facts[i].error.empty()) continue;
    images.push_back(i);
    labels.push_back(parts.label(i));
    paths.push_back(parts.sample(i).path);
  }
  if (images.size() < 2) return {};
  const Predictions predictions = embed(paths, model, max_pixels);
  std::vector<Outlier> outliers =
      find_outliers(predictions.embeddings, labels, static_cast<std::size_t>(predictions.dimensions));
  for (Outlier& one : outliers) {
    one.image = images[one.image];
    one.nearest_image = images[one.nearest_image];
  }
  return outliers;
}

}  // namespace tandem::tools
