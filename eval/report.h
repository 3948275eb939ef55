#pragma once
// An evaluation as JSON for programs, as text for a terminal, and as a page for a browser.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "eval/metrics.h"

namespace tandem {

struct Evaluation {
  nlohmann::ordered_json about;      // an object: what was evaluated (checkpoint, data, device, precision, ...)
  std::vector<std::string> classes;  // (K) names
  ClassificationMetrics classification;
  EmbeddingMetrics embedding;
  std::string classifier_note;  // what must be known to read the classifier's figures; empty: nothing
  std::string embedding_note;   // what must be known to read the embedding's figures; empty: nothing
};

/// metrics.json's content. First the members of `about`, then
///
///     images, top1, top5, loss, macro_f1, pair_auc, same_distance, different_distance, distance_ratio, same_pairs,
///     different_pairs, embedding_spread, embedding_norm, recall_at_1, recall_at_5, classes, per_class, confusion
///
/// with per_class a list of {name, precision, recall, f1, support}, and confusion a K × K list, a row for each label, a
/// column for each prediction. classifier_note comes before top1 and embedding_note before pair_auc, if they are not
/// empty. What is not defined is null.
/// Error if `classes` and the metrics differ in K.
nlohmann::ordered_json report_json(const Evaluation& evaluation);

/// A table for a terminal: the figures, each class, the most frequent mistakes in words. Ends with a newline.
std::string report_text(const Evaluation& evaluation);

/// A page that needs no other file: the figures, the confusion matrix as a heat map (up to 100 classes), a bar for each
/// class, the histogram of distances. Names are escaped.
std::string report_html(const Evaluation& evaluation);

/// Writes metrics.json and report.html into `folder`, which must exist; each appears whole or not at all. Error if a
/// file cannot be written.
void write_report(const Evaluation& evaluation, const std::filesystem::path& folder);

/// A confusion of two classes.
struct Mistake {
  std::size_t label;
  std::size_t prediction;
  std::int64_t images;
};

/// The confusions that happened, the most frequent first (then by label and prediction), at most `most` of them.
std::vector<Mistake> frequent_mistakes(const ClassificationMetrics& metrics, std::size_t most);

}  // namespace tandem
