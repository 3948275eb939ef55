#include "train/control/figure.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"

namespace tandem {
namespace {

void add_numbers(const nlohmann::ordered_json& object, const std::string& prefix, Figures& figures) {
  for (const auto& [key, value] : object.items()) {
    if (value.is_object()) add_numbers(value, prefix + key + ".", figures);
    if (value.is_number()) figures.emplace_back(prefix + key, value.get<double>());
  }
}

auto find(const Figures& figures, std::string_view name) {
  return std::find_if(figures.begin(), figures.end(), [&](const auto& figure) { return figure.first == name; });
}

/// Less is better of losses, more of everything else.
bool usually_rises(std::string_view name) { return !name.starts_with("loss.") && !name.ends_with("loss"); }

}  // namespace

Figures figures_in(const nlohmann::ordered_json& event) {
  Figures figures;
  for (const auto& [key, value] : event.items())
    if (value.is_object()) add_numbers(value, key + ".", figures);
  return figures;
}

bool has_figure(const Figures& figures, std::string_view name) { return find(figures, name) != figures.end(); }

std::string usual_figure(const Figures& logged) {
  for (const char* name : {"eval_ema.recall_at_1", "eval_ema.top1", "eval.recall_at_1", "eval.top1"})
    if (has_figure(logged, name)) return name;
  return "loss.total";
}

double Figure::in(const Figures& figures) const {
  const auto found = find(figures, name_);
  require(found != figures.end(), "the epoch has no figure {}", name_);
  return found->second;
}

bool Figure::is_better(double value, const std::optional<double>& best, double delta) const {
  if (!std::isfinite(value)) return false;
  return !best || (rises_ ? value > *best + delta : value < *best - delta);
}

Figure choose_figure(const FigureOptions& options, const std::string& pointer, const std::string& usual,
                     const Figures& logged) {
  const std::string name = options.figure.value_or(usual);
  if (!has_figure(logged, name)) {
    std::string known;
    for (const auto& [figure, value] : logged) known.append(known.empty() ? "" : ", ").append("\"" + figure + "\"");
    fail_input("{}: got \"{}\", expected a figure that this run logs at the end of an epoch: {}", pointer, name, known);
  }
  return {name, options.mode ? *options.mode == FigureOptions::Mode::max : usually_rises(name)};
}

}  // namespace tandem
