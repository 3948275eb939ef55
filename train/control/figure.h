#pragma once
// The figures that are logged at the end of an epoch, by which the best epoch is chosen, a run is stopped early, and
// the schedule "plateau" falls.

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "train/control/figure_options.h"

namespace tandem {

/// Names and values: {"eval.top1", 0.5}.
using Figures = std::vector<std::pair<std::string, double>>;

/// The numbers within the objects of an epoch's line of metrics.jsonl: {"eval": {"top1": 0.5}} has "eval.top1".
Figures figures_in(const nlohmann::ordered_json& event);

/// Whether there is a figure of that name.
bool has_figure(const Figures& figures, std::string_view name);

/// One of the figures, and what is better of it.
class Figure {
 public:
  Figure(std::string name, bool rises) : name_(std::move(name)), rises_(rises) {}

  const std::string& name() const { return name_; }
  /// Whether more is better.
  bool rises() const { return rises_; }
  /// Whether it is an evaluation's, not the training's.
  bool is_evaluated() const { return !name_.starts_with("loss."); }
  /// "highest eval.top1"
  std::string text() const { return (rises_ ? "highest " : "lowest ") + name_; }

  /// Its value. Error if it is not among the figures.
  double in(const Figures& figures) const;
  /// Whether `value` is better than `best` by more than `delta`. Any number is better than none; what is not finite
  /// never is.
  bool is_better(double value, const std::optional<double>& best, double delta = 0) const;

 private:
  std::string name_;
  bool rises_;
};

/// What an epoch is judged by where the config does not say, of the figures that are `logged`: recall@1 where the
/// classifier is not trained, else top-1, of the averaged weights if there are any, since tandem-predict uses them;
/// without an evaluation, the loss.
std::string usual_figure(const Figures& logged);

/// The figure that the options name, of those that are `logged`; without a name, `usual`. InputError, which lists them,
/// if there is none of that name. `pointer` is where in the config the name stands.
Figure choose_figure(const FigureOptions& options, const std::string& pointer, const std::string& usual,
                     const Figures& logged);

}  // namespace tandem
