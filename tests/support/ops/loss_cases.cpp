#include "tests/support/ops/loss_cases.h"

#include <algorithm>

#include "layers/losses/loss_options.h"
#include "layers/twin_towers.h"
#include "tests/support/ops/op_inputs.h"

namespace tandem::test {
namespace {

/// Margins of hundreds, so that the guard of 1e-4 vanishes beside distances (see op_cases.cpp).
constexpr double kMargin = 700, kPositiveMargin = 300;

/// Distances from 0.1 to 1.3 times the margin, of which none is near a margin.
HostTensor spread_out(Random& random, std::int64_t images, std::int64_t dims) {
  for (;;) {
    const float scale = static_cast<float>(kMargin / std::sqrt(2.0 * static_cast<double>(dims)));
    HostTensor x = filled({images, dims}, [&](std::size_t) { return static_cast<double>(scale * random.normal()); });
    bool near_kink = false;
    for (std::int64_t i = 0; i < images; ++i)
      for (std::int64_t j = 0; j < i; ++j) {
        double squared = 0;
        for (std::int64_t d = 0; d < dims; ++d) {
          const auto at = [&](std::int64_t row) { return x.values[static_cast<std::size_t>(row * dims + d)]; };
          squared += std::pow(at(i) - at(j), 2);
        }
        const double distance = std::sqrt(squared);
        near_kink |= std::abs(distance - kMargin) < 5 || std::abs(distance - kPositiveMargin) < 5 || distance < 20;
      }
    if (!near_kink) return x;
  }
}

/// The value of the one term that the options have besides softmax.
OpInstance loss(Random& random, const LossOptions& options, HostTensor x) {
  const std::int64_t images = x.shape[0];
  std::vector<std::int32_t> labels = random_labels(random, images, 3);
  labels[1] = labels[0];
  labels[2] = (labels[0] + 1) % 3;
  return {
      {{"x", Role::real, std::move(x)}}, 1, [options, labels](Context& context, const Inputs& in) {
        // Made anew, since a term keeps what it has uploaded to a device.
        const LossTerms terms = make_terms(options);
        return OpOutput{terms.back()->forward(context, {{}, in[0], in[0]}, upload_labels(context.backend, labels)), {}};
      }};
}

OpInstance contrastive(Random& random, ContrastiveLossOptions options) {
  options.margin = options.normalize ? 0.9 : kMargin;
  LossOptions all;
  all.contrastive = options;
  const std::int64_t images = one_of(random, {4, 6, 10}), dims = one_of(random, {3, 17});
  HostTensor x = options.normalize ? real("x", random, {images, dims}).value : spread_out(random, images, dims);
  return loss(random, all, std::move(x));
}

OpInstance supcon(Random& random, double temperature) {
  LossOptions all;
  all.supcon = {1, temperature, LossInput::features};
  return loss(random, all, real("x", random, {one_of(random, {4, 6, 10}), one_of(random, {3, 17})}).value);
}

}  // namespace

std::vector<OpCase> loss_cases() {
  using Options = ContrastiveLossOptions;
  Options all;
  all.pairs = Options::Pairs::all;
  Options nonzero = all;
  nonzero.average = PairAverage::nonzero;
  nonzero.positive_margin = kPositiveMargin;
  Options cosine = all;
  cosine.normalize = true;
  cosine.distance = Options::Distance::cosine;
  cosine.form = ContrastiveForm::legacy;
  Options aligned = cosine;
  aligned.pairs = Options::Pairs::aligned;
  return {{"contrastive of all pairs", [=](Random& r) { return contrastive(r, all); }},
          {"contrastive of all pairs above zero", [=](Random& r) { return contrastive(r, nonzero); }},
          {"contrastive of all pairs by cosine", [=](Random& r) { return contrastive(r, cosine); }},
          {"contrastive of aligned pairs by cosine", [=](Random& r) { return contrastive(r, aligned); }},
          {"supervised contrastive", [](Random& r) { return supcon(r, 0.1); }},
          {"supervised contrastive, warm", [](Random& r) { return supcon(r, 1); }}};
}

}  // namespace tandem::test
