#include "tests/support/ops/op_cases.h"

#include <algorithm>
#include <cmath>

#include "layers/losses/training_loss.h"
#include "tests/support/ops/arithmetic_cases.h"
#include "tests/support/ops/loss_cases.h"
#include "tests/support/ops/op_inputs.h"

namespace tandem::test {
namespace {

// Convolution and linear. -------------------------------------------------------------------------------------------

OpInstance conv2d(Random& random, std::int64_t window) {
  const Conv2dGeometry geometry{one_of(random, {1, 2}), one_of(random, {0, window / 2})};
  const bool small = window > 3;
  const std::int64_t c = small ? one_of(random, {1, 3}) : one_of(random, {1, 3, 8, 16, 19});
  const std::int64_t k = small ? one_of(random, {2, 7}) : one_of(random, {1, 5, 16, 21});
  // Padded, a window may be larger than the image.
  const bool tiny = geometry.padding > 0 && random.below(4) == 0;
  const Shape x{one_of(random, {1, 2, 3}), tiny ? one_of(random, {1, 2, 3}) : one_of(random, {7, 8, 11}),
                tiny ? one_of(random, {1, 2}) : one_of(random, {7, 9, 10}), c};
  return {{activation("x", random, x), real("w", random, {k, window, window, c}, 0, 0.3F)},
          1,
          [geometry](Context& context, const Inputs& in) {
            return OpOutput{ops::conv2d(context, in[0], in[1], geometry), {}};
          }};
}

/// Few channels a group, as many as a vector has, and between.
OpInstance conv2d_in_groups(Random& random) {
  const std::int64_t window = one_of(random, {1, 3, 3, 5}), groups = one_of(random, {2, 3, 4, 8});
  const Conv2dGeometry geometry{one_of(random, {1, 2}), one_of(random, {0, window / 2}), groups};
  const std::int64_t c = one_of(random, {1, 2, 4, 5, 16}), k = one_of(random, {1, 3, 4, 16});
  const Shape x{one_of(random, {2, 3}), one_of(random, {5, 6, 9}), one_of(random, {5, 8, 10}), groups * c};
  return {{activation("x", random, x), real("w", random, {groups * k, window, window, c}, 0, 0.3F)},
          1,
          [geometry](Context& context, const Inputs& in) {
            return OpOutput{ops::conv2d(context, in[0], in[1], geometry), {}};
          }};
}

OpInstance linear(Random& random) {
  const std::int64_t n = one_of(random, {1, 2, 5, 16}), c = one_of(random, {1, 7, 33}), k = one_of(random, {1, 3, 12});
  return {{real("x", random, {n, c}), real("w", random, {k, c}), real("b", random, {k})},
          1,
          [](Context& context, const Inputs& in) {
            return OpOutput{ops::linear(context, in[0], in[1], in[2]), {}};
          }};
}

// Batch norm. -------------------------------------------------------------------------------------------------------

struct BatchNormVariant {
  std::int64_t groups;
  bool residual, relu;
  bool fixed = false;  // statistics

  std::string name() const {
    return std::string("batch norm") + (fixed ? " of fixed statistics" : "") + (groups > 1 ? " in groups" : "") +
           (residual ? " with residual" : "") + (relu ? " with relu" : "");
  }
};

OpOutput run_batch_norm(Context& context, const Inputs& in, ops::Activation activation, bool fixed = false) {
  Backend& backend = context.backend;
  const Shape channels = in[1].shape();
  const auto running = [&](double value) {
    Tensor tensor = backend.empty(channels, context.param_dtype());
    backend.fill(tensor, value);
    return tensor;
  };
  ops::BatchNormParameters parameters{in[1], in[2], running(0.25), running(2)};
  parameters.fixed_statistics = fixed;
  Variable y = ops::batch_norm(context, in[0], parameters, activation, in.size() > 3 ? in[3] : Variable());
  return {std::move(y), {parameters.running_mean, parameters.running_var}};
}

/// True if some element that the ReLU sees is so small that rounding could change its sign.
bool near_kink(const OpInstance& instance, bool fixed) {
  const auto backend = make_reference_backend();
  Context context{.backend = *backend, .compute = DType::f64, .training = true, .groups = instance.groups};
  Inputs inputs;
  for (const OpInput& input : instance.inputs) inputs.emplace_back(upload(*backend, input.value, DType::f64));
  const auto y = download(*backend, run_batch_norm(context, inputs, ops::Activation::none, fixed).y.value());
  return std::any_of(y.values.begin(), y.values.end(), [](double v) { return std::abs(v) < 1e-4; });
}

OpInstance batch_norm(Random& random, const BatchNormVariant& variant) {
  const Shape shape{variant.groups * one_of(random, {1, 2}), one_of(random, {3, 5}), one_of(random, {4, 7}),
                    one_of(random, {1, 3, 8, 13, 17})};
  for (;;) {
    OpInstance instance{{activation("x", random, shape), real("gamma", random, {shape[3]}, 1, 0.3F),
                         real("beta", random, {shape[3]}, 0, 0.5F)},
                        variant.groups,
                        [variant](Context& context, const Inputs& in) {
                          return run_batch_norm(
                              context, in, variant.relu ? ops::Activation::relu : ops::Activation::none, variant.fixed);
                        }};
    // Channels far from zero, and so one that subtracts the mean too late loses digits.
    auto& x = instance.inputs[0].value.values;
    for (std::size_t i = 0; i < x.size(); ++i)
      x[i] = round_to_bf16(x[i] + static_cast<double>(i % static_cast<std::size_t>(shape[3])) - 3);
    if (variant.residual) instance.inputs.push_back(activation("residual", random, shape));
    if (!variant.relu || !near_kink(instance, variant.fixed)) return instance;
  }
}

/// So many rows that the CPU backend cuts them into pieces.
OpInstance batch_norm_of_many_rows(Random& random) {
  const Shape shape{4, one_of(random, {29, 40}), 41, one_of(random, {9, 16})};
  return {{activation("x", random, shape), real("gamma", random, {shape[3]}, 1, 0.3F), real("beta", random, {shape[3]}),
           activation("residual", random, shape)},
          2,
          [](Context& context, const Inputs& in) { return run_batch_norm(context, in, ops::Activation::none); }};
}

// Elementwise, pooling. ---------------------------------------------------------------------------------------------

Shape random_image(Random& random) {
  return {one_of(random, {1, 2, 3}), one_of(random, {4, 7}), one_of(random, {1, 5, 8}),
          one_of(random, {1, 3, 8, 16, 19})};
}

OpInstance relu(Random& random) {
  return {{activation_off_zero("x", random, random_image(random))}, 1, [](Context& context, const Inputs& in) {
            return OpOutput{ops::relu(context, in[0]), {}};
          }};
}

OpInstance add(Random& random) {
  const Shape shape = random_image(random);
  return {{activation("a", random, shape), activation("b", random, shape)}, 1, [](Context& context, const Inputs& in) {
            return OpOutput{ops::add(context, in[0], in[1]), {}};
          }};
}

/// So many elements that the CPU backend cuts them into pieces.
OpInstance many_elements(Random& random) {
  const Shape shape{2, 41, 43, one_of(random, {7, 16})};
  return {{activation_off_zero("a", random, shape), activation("b", random, shape)},
          1,
          [](Context& context, const Inputs& in) {
            return OpOutput{ops::add(context, ops::relu(context, in[0]), in[1]), {}};
          }};
}

OpInstance rows(Random& random) {
  const Shape shape = random_image(random).with_rows(one_of(random, {3, 4, 6}));
  const std::int64_t begin = random.below(2), end = shape[0] - random.below(2);
  return {{activation("x", random, shape)}, 1, [begin, end](Context& context, const Inputs& in) {
            return OpOutput{ops::rows(context, in[0], begin, end), {}};
          }};
}

OpInstance scale_images(Random& random) {
  const Shape shape = random_image(random).with_rows(one_of(random, {3, 4}));
  const HostTensor factors = filled({shape[0]}, [](std::size_t i) { return i == 1 ? 0 : 1.25; });
  return {
      {activation("x", random, shape)}, 1, [factors](Context& context, const Inputs& in) {
        return OpOutput{ops::scale_images(context, in[0], upload(context.backend, factors, context.param_dtype())), {}};
      }};
}

OpInstance max_pool(Random& random) {
  const std::vector<Pool2dGeometry> geometries{{2, 2, 0}, {3, 2, 1}, {3, 1, 1}, {3, 3, 0}, {5, 2, 2}, {3, 2, 0, true}};
  const Pool2dGeometry geometry = geometries[random.below(6)];
  const Shape shape{one_of(random, {1, 2}), one_of(random, {5, 7, 8}), one_of(random, {5, 6, 9}),
                    one_of(random, {1, 3, 16, 67})};
  // 896 different numbers that bfloat16 holds, 1/8 to 16 and negative, in random order: no window holds a tie.
  const auto order = permutation(896, random);
  const auto number = [&](std::size_t i) {
    BFloat16 x;
    x.bits = static_cast<std::uint16_t>(0x3E00U + order[i / static_cast<std::size_t>(shape[3]) % 896]);
    return static_cast<double>(static_cast<float>(x)) * (i % 2 == 0 ? 1 : -1);
  };
  return {{{"x", Role::activation, filled(shape, number)}}, 1, [geometry](Context& context, const Inputs& in) {
            return OpOutput{ops::max_pool(context, in[0], geometry), {}};
          }};
}

/// Most have squares that the border cuts.
OpInstance average_pool(Random& random) {
  const std::int64_t side = one_of(random, {1, 2, 2, 3});
  const Shape shape{one_of(random, {1, 2, 3}), one_of(random, {1, 4, 7}), one_of(random, {1, 5, 8}),
                    one_of(random, {1, 3, 8, 16, 19})};
  return {{activation("x", random, shape)}, 1, [side](Context& context, const Inputs& in) {
            return OpOutput{ops::average_pool(context, in[0], side), {}};
          }};
}

OpInstance global_average_pool(Random& random) {
  return {{activation("x", random, random_image(random))}, 1, [](Context& context, const Inputs& in) {
            return OpOutput{ops::global_average_pool(context, in[0]), {}};
          }};
}

// Losses. -----------------------------------------------------------------------------------------------------------

OpInstance softmax(Random& random, double smoothing) {
  const std::int64_t n = one_of(random, {1, 3, 8}), k = one_of(random, {2, 5, 12, 33});
  return {{real("logits", random, {n, k}, 0, 2)},
          1,
          [smoothing, labels = random_labels(random, n, static_cast<std::uint32_t>(k))](Context& context,
                                                                                        const Inputs& in) {
            return OpOutput{
                ops::softmax_cross_entropy(context, in[0], upload_labels(context.backend, labels), smoothing), {}};
          }};
}

/// Pairs of every kind: equal labels, different ones within the margin, different ones beyond it.
struct Pairs {
  HostTensor a, b;
  std::vector<std::int32_t> labels_a, labels_b;
};

Pairs random_pairs(Random& random, const ContrastiveOptions& options) {
  const std::int64_t pairs = one_of(random, {3, 4, 8}), dims = one_of(random, {1, 3, 17});
  const double reach = options.form == ContrastiveForm::legacy ? std::sqrt(options.margin) : options.margin;
  Pairs result{filled({pairs, dims}, [&](std::size_t) { return static_cast<double>(random.normal()); }),
               filled({pairs, dims}, [&](std::size_t) { return static_cast<double>(random.normal()); }),
               random_labels(random, pairs, 12),
               {}};
  for (std::int64_t p = 0; p < pairs; ++p) {
    const std::int32_t label = result.labels_a[static_cast<std::size_t>(p)];
    result.labels_b.push_back(p % 3 == 0 ? label : (label + 1) % 12);
    // b is a plus a step of the wanted length in b's direction.
    const double distance = reach * (p % 3 == 2 ? 1.3 : 0.3 + 0.5 * static_cast<double>(random.uniform()));
    double norm = 0;
    const auto begin = static_cast<std::size_t>(p * dims), end = begin + static_cast<std::size_t>(dims);
    for (std::size_t i = begin; i < end; ++i) norm += result.b.values[i] * result.b.values[i];
    for (std::size_t i = begin; i < end; ++i) {
      const double step = result.b.values[i] * distance / std::sqrt(norm);
      result.b.values[i] = static_cast<double>(static_cast<float>(result.a.values[i] + step));
    }
  }
  return result;
}

// A margin of hundreds makes the guard of 1e-4 in the gradient's d + 1e-4 vanish beside d. The losses' own test
// (tests/cpu/losses_test.cpp) compares the guard itself.
constexpr double kWideMargin = 700;

OpInstance contrastive(Random& random, const ContrastiveOptions& options) {
  Pairs pairs = random_pairs(random, options);
  return {{{"a", Role::real, pairs.a}, {"b", Role::real, pairs.b}},
          1,
          [options, labels_a = pairs.labels_a, labels_b = pairs.labels_b](Context& context, const Inputs& in) {
            return OpOutput{ops::contrastive(context, in[0], in[1], upload_labels(context.backend, labels_a),
                                             upload_labels(context.backend, labels_b), options),
                            {}};
          }};
}

OpInstance weighted_sum(Random& random) {
  std::vector<double> weights;
  for (int i = 0; i < 3; ++i) weights.push_back(static_cast<double>(random.uniform(0.1F, 2)));
  return {{real("first", random, {1}), real("second", random, {1}), real("third", random, {1})},
          1,
          [weights](Context& context, const Inputs& in) {
            return OpOutput{
                ops::weighted_sum(context, in, upload(context.backend, {{3}, weights}, context.param_dtype())), {}};
          }};
}

// Compositions. -----------------------------------------------------------------------------------------------------

/// A residual block: the gradients of its two branches add up at x.
OpInstance residual_block(Random& random) {
  const std::int64_t c = one_of(random, {3, 8, 11});
  const Shape shape{2, one_of(random, {4, 5}), 5, c};
  return {{activation("x", random, shape), real("w", random, {c, 3, 3, c}, 0, 0.3F),
           real("gamma", random, {c}, 1, 0.3F), real("beta", random, {c})},
          2,
          [](Context& context, const Inputs& in) {
            const Variable branch = ops::conv2d(context, in[0], in[1], {1, 1});
            return run_batch_norm(context, {branch, in[2], in[3], in[0]}, ops::Activation::none);
          }};
}

OpInstance pair_loss_case(Random& random) {
  LossOptions options;
  options.softmax.label_smoothing = 0.1;
  options.contrastive.margin = kWideMargin;
  const auto loss = std::make_shared<TrainingLoss>(options);
  Pairs pairs = random_pairs(random, {options.contrastive.margin, options.contrastive.form});
  const std::int64_t n = pairs.a.shape[0], dims = pairs.a.shape[1];
  HostTensor embeddings{{2 * n, dims}, pairs.a.values};
  embeddings.values.insert(embeddings.values.end(), pairs.b.values.begin(), pairs.b.values.end());
  std::vector<std::int32_t> labels = pairs.labels_a;
  labels.insert(labels.end(), pairs.labels_b.begin(), pairs.labels_b.end());
  return {{real("logits", random, {2 * n, 12}, 0, 2), {"embeddings", Role::real, std::move(embeddings)}},
          1,
          [loss, labels](Context& context, const Inputs& in) {
            const LossWeights weights(context.backend, context.param_dtype(), *loss, 0);
            const Tensor uploaded = upload_labels(context.backend, labels);
            return OpOutput{loss->forward(context, {in[0], in[1]}, uploaded, weights.values()).total, {}};
          }};
}

std::vector<OpCase> make_cases() {
  std::vector<OpCase> cases;
  for (const std::int64_t window : {1, 3, 7})
    cases.push_back({fmt::format("conv2d {}x{}", window, window), [=](Random& r) { return conv2d(r, window); }});
  cases.push_back({"conv2d in groups", conv2d_in_groups});
  cases.push_back({"linear", linear});
  for (const std::int64_t groups : {1, 2})
    for (const bool residual : {false, true})
      for (const bool with_relu : {false, true}) {
        const BatchNormVariant variant{groups, residual, with_relu};
        cases.push_back({variant.name(), [=](Random& r) { return batch_norm(r, variant); }});
      }
  for (const bool residual : {false, true}) {
    const BatchNormVariant variant{2, residual, residual, true};
    cases.push_back({variant.name(), [=](Random& r) { return batch_norm(r, variant); }});
  }
  cases.push_back({"batch norm of many rows", batch_norm_of_many_rows});
  cases.push_back({"relu", relu});
  cases.push_back({"add", add});
  cases.push_back({"relu and add of many elements", many_elements});
  cases.push_back({"rows", rows});
  cases.push_back({"scale images", scale_images});
  cases.push_back({"max pool", max_pool});
  cases.push_back({"average pool", average_pool});
  cases.push_back({"global average pool", global_average_pool});
  cases.push_back({"softmax", [](Random& r) { return softmax(r, 0); }});
  cases.push_back({"softmax with smoothing", [](Random& r) { return softmax(r, 0.1); }});
  cases.push_back({"contrastive hadsell", [](Random& r) {
                     return contrastive(r, {kWideMargin, ContrastiveForm::hadsell});
                   }});
  cases.push_back({"contrastive legacy", [](Random& r) { return contrastive(r, {1, ContrastiveForm::legacy}); }});
  cases.push_back({"weighted sum", weighted_sum});
  for (OpCase& arithmetic : arithmetic_cases()) cases.push_back(std::move(arithmetic));
  cases.push_back({"residual block", residual_block});
  cases.push_back({"pair loss", pair_loss_case});
  for (OpCase& loss : loss_cases()) cases.push_back(std::move(loss));
  return cases;
}

}  // namespace

const std::vector<OpCase>& op_cases() {
  static const std::vector<OpCase> cases = make_cases();
  return cases;
}

const OpCase& op_case(const std::string& name) {
  for (const OpCase& candidate : op_cases())
    if (candidate.name == name) return candidate;
  fail("no op case \"{}\"", name);
}

}  // namespace tandem::test
