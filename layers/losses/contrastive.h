#pragma once
// The contrastive loss of the pairs (image i of tower A, image i of tower B): images of one class are pulled together,
// images of different classes are pushed apart. With d the distance of their embeddings, y = (labels equal):
//
//   hadsell: value = 1/(2N) sum [ y d^2 + (1 - y) max(margin - d, 0)^2 ]    (Hadsell, Chopra, LeCun 2006)
//   legacy:  value = 1/(2N) sum [ y d^2 + (1 - y) max(margin - d^2, 0) ]    (Caffe's legacy_version)

#include <array>
#include <optional>
#include <string>

#include "core/base/option_keys.h"
#include "core/ops/ops.h"
#include "layers/losses/loss_term.h"

namespace tandem {

constexpr auto enum_names(ContrastiveForm) {
  using enum ContrastiveForm;
  return std::to_array<EnumName<ContrastiveForm>>({{hadsell, "hadsell"}, {legacy, "legacy"}});
}

struct ContrastiveLossOptions {
  std::optional<double> weight = 0.1;  ///< Absent: "match_softmax", a moving average of the softmax loss.
  double margin = 1;
  ContrastiveForm form = ContrastiveForm::hadsell;

  bool operator==(const ContrastiveLossOptions&) const = default;
};

template <class Keys, Of<ContrastiveLossOptions> C>
void visit_keys(Keys& keys, C& c) {
  keys.number_or("match_softmax", "weight", c.weight, Range{0, 1e6});
  keys("margin", c.margin, Range{.low = 0, .high = 1e6, .without_low = true});
  keys("form", c.form);
}

/// The distance at which images of different classes are left alone.
double distance_asked_for(const ContrastiveLossOptions& options);

/// Adds the term of the loss that the config calls `loss`.
void add_terms(const std::string& loss, const ContrastiveLossOptions& options, LossTerms& terms);

}  // namespace tandem
