// The browser's page: plain SVG and CSS, so that it opens from anywhere, also without a network.

#include <fmt/format.h>

#include <algorithm>

#include "eval/report.h"
#include "io/html.h"

namespace tandem {
namespace {

constexpr std::size_t kMostClassesDrawn = 100;

std::string percent(const std::optional<double>& value) { return value ? fmt::format("{:.1f} %", 100 * *value) : "–"; }
std::string number(const std::optional<double>& value) { return value ? fmt::format("{:.3f}", *value) : "–"; }

std::string about(const Evaluation& evaluation) {
  std::string text = "<p class=\"note\">";
  for (const auto& [key, value] : evaluation.about.items()) {
    const auto shown = value.is_string() ? value.template get<std::string>()
                                         : value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    text += fmt::format("{}: {}<br>\n", html_escaped(key), html_escaped(shown));
  }
  return text + "</p>\n";
}

std::string note(const std::string& text) {
  return text.empty() ? "" : fmt::format("<p class=\"note\">{}</p>\n", html_escaped(text));
}

std::string figures(const Evaluation& evaluation) {
  const ClassificationMetrics& classification = evaluation.classification;
  const EmbeddingMetrics& embedding = evaluation.embedding;
  std::string text = "<div class=\"tiles\">\n";
  const auto tile = [&](const char* name, const std::string& value) {
    text += fmt::format("<div class=\"tile\">{}<b>{}</b></div>\n", name, value);
  };
  tile("images", std::to_string(classification.images));
  tile("top-1", percent(classification.top1));
  tile("top-5", percent(classification.top5));
  tile("macro F1", percent(classification.macro_f1));
  tile("softmax loss", number(classification.loss));
  tile("pair ROC-AUC", number(embedding.pair_auc));
  tile("distance ratio", number(embedding.distance_ratio));
  tile("recall@1", percent(embedding.ranking.recall_at_1));
  tile("recall@5", percent(embedding.ranking.recall_at_5));
  return text + "</div>\n";
}

std::string class_bars(const Evaluation& evaluation) {
  std::string text =
      "<h2>Classes</h2>\n<table><tr><th>class</th><th>images</th><th>precision</th><th>recall</th><th>F1</th><th></"
      "th></tr>\n";
  for (std::size_t c = 0; c < evaluation.classes.size(); ++c) {
    const ClassMetrics& one = evaluation.classification.per_class[c];
    text += fmt::format(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td>"
        "<td style=\"text-align:left\"><span class=\"bar\" style=\"width:{:.0f}px\"></span></td></tr>\n",
        html_escaped(evaluation.classes[c]), one.support, percent(one.precision), percent(one.recall), percent(one.f1),
        200 * one.f1.value_or(0));
  }
  return text + "</table>\n";
}

/// Cells are coloured by their share of the row, so that a class with few images is read like one with many.
std::string confusion_map(const Evaluation& evaluation) {
  const std::size_t classes = evaluation.classes.size();
  std::string text = "<h2>Confusion matrix</h2>\n";
  if (classes > kMostClassesDrawn) {
    return text + fmt::format("<p class=\"note\">Not drawn for more than {} classes; metrics.json has it.</p>\n",
                              kMostClassesDrawn);
  }
  constexpr int kCell = 30;
  constexpr int kNames = 170;  // room for the names on the left and below
  const int side = kCell * static_cast<int>(classes);
  text +=
      fmt::format("<p class=\"note\">Row: the label. Column: the prediction.</p>\n<svg width=\"{0}\" height=\"{0}\">\n",
                  side + kNames);
  for (std::size_t row = 0; row < classes; ++row) {
    const int y = kCell * static_cast<int>(row);
    const std::string name = html_escaped(evaluation.classes[row]);
    text += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"end\">{}</text>\n", kNames - 6, y + 20, name);
    text += fmt::format("<text transform=\"translate({},{}) rotate(-60)\" text-anchor=\"end\">{}</text>\n",
                        kNames + y + 18, side + 12, name);
    const auto support =
        static_cast<double>(std::max<std::int64_t>(evaluation.classification.per_class[row].support, 1));
    for (std::size_t column = 0; column < classes; ++column) {
      const std::int64_t images = evaluation.classification.confusion[row][column];
      const double share = static_cast<double>(images) / support;
      const int x = kNames + kCell * static_cast<int>(column);
      text += fmt::format(
          "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" fill=\"{}\" fill-opacity=\"{:.3f}\" "
          "stroke=\"var(--line)\">"
          "<title>{} → {}: {}</title></rect>\n",
          x, y, kCell, kCell, row == column ? "var(--one)" : "var(--other)", 0.8 * share, name,
          html_escaped(evaluation.classes[column]), images);
      if (images > 0) {
        text += fmt::format("<text x=\"{}\" y=\"{}\" text-anchor=\"middle\" pointer-events=\"none\">{}</text>\n",
                            x + kCell / 2, y + 20, images);
      }
    }
  }
  return text + "</svg>\n";
}

/// Both curves are shares of their own pairs: there are many more pairs of different labels.
std::string distance_histogram(const Evaluation& evaluation) {
  const EmbeddingMetrics& embedding = evaluation.embedding;
  const DistanceHistogram& histogram = embedding.histogram;
  const std::size_t bins = histogram.same.size();
  constexpr double kWidth = 700;
  constexpr double kHeight = 200;
  const auto shares = [](const std::vector<std::int64_t>& counts, std::int64_t pairs) {
    std::vector<double> share;
    share.reserve(counts.size());
    for (const std::int64_t count : counts) {
      share.push_back(static_cast<double>(count) / static_cast<double>(std::max<std::int64_t>(pairs, 1)));
    }
    return share;
  };
  const auto same = shares(histogram.same, embedding.same_pairs);
  const auto different = shares(histogram.different, embedding.different_pairs);
  double highest = 1e-9;
  for (const auto* list : {&same, &different}) {
    for (const double share : *list) highest = std::max(highest, share);
  }
  std::string text = fmt::format(
      "<h2>Distances in the embedding</h2>\n<p class=\"note\">Share of the pairs at each distance. "
      "<span style=\"color:var(--one)\">Same label</span>: mean {}. "
      "<span style=\"color:var(--other)\">Different labels</span>: mean {}.</p>\n{}<svg width=\"{}\" height=\"{}\">\n",
      number(embedding.same_distance), number(embedding.different_distance), note(evaluation.embedding_note), kWidth,
      kHeight + 20);
  const auto bars = [&](const std::vector<double>& share, const char* colour) {
    const double step = kWidth / static_cast<double>(std::max<std::size_t>(bins, 1));
    for (std::size_t b = 0; b < share.size(); ++b) {
      const double height = kHeight * share[b] / highest;
      text += fmt::format(
          "<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"{:.1f}\" height=\"{:.1f}\" fill=\"{}\" "
          "fill-opacity=\"0.5\"/>\n",
          step * static_cast<double>(b), kHeight - height, step, height, colour);
    }
  };
  bars(different, "var(--other)");
  bars(same, "var(--one)");
  text += fmt::format("<text x=\"0\" y=\"{0}\">0</text><text x=\"{1}\" y=\"{0}\" text-anchor=\"end\">{2:.3g}</text>\n",
                      kHeight + 15, kWidth, histogram.width * static_cast<double>(bins));
  return text + "</svg>\n";
}

}  // namespace

std::string report_html(const Evaluation& evaluation) {
  return html_page_head("Tandem: evaluation") + "<h1>Evaluation</h1>\n" + about(evaluation) +
         note(evaluation.classifier_note) + figures(evaluation) + class_bars(evaluation) + confusion_map(evaluation) +
         distance_histogram(evaluation) + std::string(kHtmlPageEnd);
}

}  // namespace tandem
