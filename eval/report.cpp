#include "eval/report.h"

#include <algorithm>
#include <tuple>

#include "core/base/error.h"
#include "io/atomic_file.h"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const std::optional<double>& value) { return value ? Json(*value) : Json(nullptr); }

std::string number(const std::optional<double>& value) { return value ? fmt::format("{:.4f}", *value) : "-"; }
std::string percent(const std::optional<double>& value) { return value ? fmt::format("{:.1f}", 100 * *value) : "-"; }

// A class list need not be UTF-8; what is not is replaced rather than refused.
std::string dump(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

/// One key a line, and one line for each element of a list of lists or objects: readable, and short for many classes.
std::string readable(const Json& object) {
  std::string text = "{\n";
  for (auto member = object.begin(); member != object.end(); ++member) {
    if (member != object.begin()) text += ",\n";
    text += "  " + dump(member.key()) + ": ";
    const Json& value = member.value();
    if (!value.is_array() || value.empty() || value.front().is_primitive()) {
      text += dump(value);
      continue;
    }
    for (std::size_t i = 0; i < value.size(); ++i) text += (i == 0 ? "[\n    " : ",\n    ") + dump(value[i]);
    text += "\n  ]";
  }
  return text + "\n}\n";
}

/// Characters rather than bytes, for columns.
std::size_t width_of(const std::string& name) {
  return static_cast<std::size_t>(std::count_if(name.begin(), name.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string class_table(const Evaluation& evaluation) {
  std::size_t width = 5;
  for (const std::string& name : evaluation.classes) width = std::max(width, width_of(name));
  const auto row = [&](const std::string& name, const auto&... columns) {
    std::string line = "  " + name + std::string(width - width_of(name), ' ');
    ((line += fmt::format("{:>11}", columns)), ...);
    return line + "\n";
  };
  std::string text = row("class", "images", "precision", "recall", "F1");
  for (std::size_t c = 0; c < evaluation.classes.size(); ++c) {
    const ClassMetrics& one = evaluation.classification.per_class[c];
    text += row(evaluation.classes[c], one.support, percent(one.precision), percent(one.recall), percent(one.f1));
  }
  return text;
}

std::string mistakes_in_words(const Evaluation& evaluation) {
  const auto mistakes = frequent_mistakes(evaluation.classification, 5);
  if (mistakes.empty()) return "No image was mistaken.\n";
  std::string text = "Most frequent mistakes\n";
  for (const auto& [label, prediction, images] : mistakes) {
    const auto support = static_cast<double>(evaluation.classification.per_class[label].support);
    text += fmt::format("  {:>6} × {} taken for {} ({:.0f} % of {})\n", images, evaluation.classes[label],
                        evaluation.classes[prediction], 100 * static_cast<double>(images) / support,
                        evaluation.classes[label]);
  }
  return text;
}

void require_consistent(const Evaluation& evaluation) {
  const auto& classes = evaluation.classes;
  const auto& classification = evaluation.classification;
  require(classes.size() == classification.per_class.size() && classes.size() == classification.confusion.size(),
          "report: got {} class names, expected {}", classes.size(), classification.per_class.size());
}

}  // namespace

std::vector<Mistake> frequent_mistakes(const ClassificationMetrics& metrics, std::size_t most) {
  std::vector<Mistake> mistakes;
  for (std::size_t label = 0; label < metrics.confusion.size(); ++label) {
    for (std::size_t prediction = 0; prediction < metrics.confusion.size(); ++prediction) {
      const std::int64_t images = metrics.confusion[label][prediction];
      if (label != prediction && images > 0) mistakes.push_back({label, prediction, images});
    }
  }
  std::sort(mistakes.begin(), mistakes.end(), [](const Mistake& a, const Mistake& b) {
    return std::tuple(-a.images, a.label, a.prediction) < std::tuple(-b.images, b.label, b.prediction);
  });
  mistakes.resize(std::min(mistakes.size(), most));
  return mistakes;
}

Json report_json(const Evaluation& evaluation) {
  require_consistent(evaluation);
  const ClassificationMetrics& classification = evaluation.classification;
  const EmbeddingMetrics& embedding = evaluation.embedding;
  Json json = evaluation.about.is_object() ? evaluation.about : Json::object();
  json["images"] = classification.images;
  if (!evaluation.classifier_note.empty()) json["classifier_note"] = evaluation.classifier_note;
  json["top1"] = classification.top1;
  json["top5"] = classification.top5;
  json["loss"] = classification.loss;
  json["macro_f1"] = classification.macro_f1;
  if (!evaluation.embedding_note.empty()) json["embedding_note"] = evaluation.embedding_note;
  json["pair_auc"] = json_of(embedding.pair_auc);
  json["same_distance"] = json_of(embedding.same_distance);
  json["different_distance"] = json_of(embedding.different_distance);
  json["distance_ratio"] = json_of(embedding.distance_ratio);
  json["same_pairs"] = embedding.same_pairs;
  json["different_pairs"] = embedding.different_pairs;
  json["embedding_spread"] = embedding.spread.spread;
  json["embedding_norm"] = embedding.spread.norm;
  const Ranking& ranking = embedding.ranking;
  json["recall_at_1"] = json_of(ranking.recall_at_1);
  json["recall_at_2"] = json_of(ranking.recall_at_2);
  json["recall_at_4"] = json_of(ranking.recall_at_4);
  json["recall_at_5"] = json_of(ranking.recall_at_5);
  json["recall_at_8"] = json_of(ranking.recall_at_8);
  json["r_precision"] = json_of(ranking.r_precision);
  json["map_at_r"] = json_of(ranking.map_at_r);
  json["map"] = json_of(ranking.map);
  json["mrr"] = json_of(ranking.mrr);
  json["classes"] = evaluation.classes;
  json["per_class"] = Json::array();
  for (std::size_t c = 0; c < evaluation.classes.size(); ++c) {
    const ClassMetrics& one = classification.per_class[c];
    json["per_class"].push_back({{"name", evaluation.classes[c]},
                                 {"precision", json_of(one.precision)},
                                 {"recall", json_of(one.recall)},
                                 {"f1", json_of(one.f1)},
                                 {"support", one.support}});
  }
  json["confusion"] = classification.confusion;
  return json;
}

std::string report_text(const Evaluation& evaluation) {
  require_consistent(evaluation);
  const ClassificationMetrics& classification = evaluation.classification;
  const EmbeddingMetrics& embedding = evaluation.embedding;
  const auto line = [](const char* name, const std::string& value, const char* meaning) {
    return fmt::format("  {:<20}{:>9}   {}\n", name, value, meaning);
  };
  std::string text =
      fmt::format("Classification of {} images, {} classes\n", classification.images, evaluation.classes.size());
  if (!evaluation.classifier_note.empty()) text += fmt::format("  {}\n", evaluation.classifier_note);
  text += line("top-1", percent(classification.top1) + " %", "the first guess is right");
  text += line("top-5", percent(classification.top5) + " %", "the right class is among the first five guesses");
  text += line("macro F1", percent(classification.macro_f1) + " %", "mean F1, every class counting the same");
  text += line("softmax loss", number(classification.loss), "nats per image; 0 is certain and right");
  text += fmt::format("\n{}\n{}", class_table(evaluation), mistakes_in_words(evaluation));
  text += fmt::format("\nEmbedding, {} pairs of the same label and {} of different labels\n", embedding.same_pairs,
                      embedding.different_pairs);
  if (!evaluation.embedding_note.empty()) text += fmt::format("  {}\n", evaluation.embedding_note);
  text +=
      line("pair ROC-AUC", number(embedding.pair_auc), "how often a same-label pair is the closer one; 0.5 is chance");
  text += line("same distance", number(embedding.same_distance), "mean distance between images of the same label");
  text += line("different distance", number(embedding.different_distance), "mean distance between different labels");
  text += line("distance ratio", number(embedding.distance_ratio), "different over same; above 1: pulled apart");
  text += line("spread", number(embedding.spread.spread),
               fmt::format("distance from the mean embedding; their norm is {:.4g}", embedding.spread.norm).c_str());
  text += line("recall@1", number(embedding.ranking.recall_at_1), "the nearest other image has the same label");
  text += line("recall@5", number(embedding.ranking.recall_at_5), "one of the five nearest has the same label");
  text += line("MAP@R", number(embedding.ranking.map_at_r), "how far ahead of all others those of the same label are");
  return text;
}

void write_report(const Evaluation& evaluation, const std::filesystem::path& folder) {
  write_file_atomically(folder / "report.html", report_html(evaluation));
  write_file_atomically(folder / "metrics.json", readable(report_json(evaluation)));
}

}  // namespace tandem
