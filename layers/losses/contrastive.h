#pragma once
// The contrastive loss: images of one class are pulled together, images of different classes are pushed apart. Over
// the pairs that are looked at, with d the distance of two images' vectors, y = (labels equal), P the number of pairs:
//
//   hadsell: value = 1/(2P) sum [ y d^2 + (1 - y) max(margin - d, 0)^2 ]    (Hadsell, Chopra, LeCun 2006)
//   legacy:  value = 1/(2P) sum [ y d^2 + (1 - y) max(margin - d^2, 0) ]    (Caffe's legacy_version)
//
// core/ops/ops.h has the formula with a positive margin, and with each part averaged over its pairs above 0. In
// pytorch-metric-learning's ContrastiveLoss (3.x), over all pairs with that average, neither part is squared and there
// is no half.

#include <array>
#include <optional>
#include <string>

#include "core/base/option_keys.h"
#include "core/ops/ops.h"
#include "layers/losses/loss_term.h"
#include "layers/losses/pairwise.h"

namespace tandem {

constexpr auto enum_names(ContrastiveForm) {
  using enum ContrastiveForm;
  return std::to_array<EnumName<ContrastiveForm>>({{hadsell, "hadsell"}, {legacy, "legacy"}});
}
constexpr auto enum_names(PairAverage) {
  using enum PairAverage;
  return std::to_array<EnumName<PairAverage>>({{all, "all"}, {nonzero, "nonzero"}});
}

struct ContrastiveLossOptions {
  enum class Pairs {
    aligned,  ///< image i of tower A with image i of tower B
    all       ///< each two of a batch's 2N images
  };
  enum class Distance {
    l2,
    cosine  ///< 1 - cos of the angle between the vectors
  };

  std::optional<double> weight = 0.1;  ///< Absent: "match_softmax", a moving average of the softmax loss.
  double margin = 1;
  ContrastiveForm form = ContrastiveForm::hadsell;
  Pairs pairs = Pairs::aligned;
  LossInput on = LossInput::embedding;
  bool normalize = false;  ///< Vectors are divided by their lengths first.
  Distance distance = Distance::l2;
  double positive_margin = 0;
  PairAverage average = PairAverage::all;

  bool operator==(const ContrastiveLossOptions&) const = default;
};

constexpr auto enum_names(ContrastiveLossOptions::Pairs) {
  using enum ContrastiveLossOptions::Pairs;
  return std::to_array<EnumName<ContrastiveLossOptions::Pairs>>({{aligned, "aligned"}, {all, "all"}});
}
constexpr auto enum_names(ContrastiveLossOptions::Distance) {
  using enum ContrastiveLossOptions::Distance;
  return std::to_array<EnumName<ContrastiveLossOptions::Distance>>({{l2, "L2"}, {cosine, "cosine"}});
}

template <class Keys, Of<ContrastiveLossOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys.number_or("match_softmax", "weight", c.weight, Range{0, 1e6});
  keys("margin", c.margin, Range{.low = 0, .high = 1e6, .without_low = true});
  keys("form", c.form);
  keys("pairs", c.pairs);
  keys("on", c.on);
  keys("normalize", c.normalize);
  keys("distance", c.distance);
  keys("positive_margin", c.positive_margin, Range{0, 1e6});
  keys("average", c.average);
}

/// The cosine is that of vectors of length 1.
inline void check_options(const ContrastiveLossOptions& c, OptionProblems& problems) {
  if (c.distance == ContrastiveLossOptions::Distance::cosine && !c.normalize)
    problems.push_back({"/normalize", "true, since /loss/contrastive/distance is \"cosine\""});
  if (c.positive_margin > 0 && c.positive_margin >= c.margin)
    problems.push_back({"/positive_margin", "a number below /loss/contrastive/margin"});
}

/// The distance at which images of different classes are left alone.
double distance_asked_for(const ContrastiveLossOptions& options);

/// Adds the term of the loss that the config calls `loss`.
void add_terms(const std::string& loss, const ContrastiveLossOptions& options, LossTerms& terms);

}  // namespace tandem
