// The kernels that no op case calls, against the reference kernels.

#include <cmath>

#include "core/base/rng.h"
#include "tests/cuda/gpu.h"
#include "tests/support/ops/op_run.h"

namespace tandem::test {
namespace {

/// The same random inputs on both backends, and their outputs compared.
class Both {
 public:
  explicit Both(std::shared_ptr<Backend> gpu) : gpu_(std::move(gpu)), reference_(make_reference_backend()) {}

  HostTensor random(const Shape& shape, double mean = 0) {
    HostTensor x{shape, std::vector<double>(static_cast<std::size_t>(shape.size()))};
    for (double& v : x.values) v = mean + round_to_bf16(static_cast<double>(random_.normal()));
    return x;
  }
  /// Calls body(backend, type of activations) on each, and compares the tensors it returns.
  template <class Body>
  void compare(DType compute, double tolerance, const Body& body) {
    poison(*gpu_);
    const std::vector<Tensor> got = body(*gpu_, compute), expected = body(*reference_, DType::f32);
    REQUIRE(got.size() == expected.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
      CAPTURE(i, name_of(compute));
      CHECK(relative_error(download(*gpu_, got[i]), download(*reference_, expected[i])) < tolerance);
    }
  }

 private:
  std::shared_ptr<Backend> gpu_, reference_;
  Random random_{1, RandomPurpose::test};
};

constexpr struct {
  DType compute;
  double tolerance;
} kTypes[] = {{DType::f32, 1e-5}, {DType::bf16, 2e-2}, {DType::f16, 5e-3}};

Tensor real(Backend& backend, const HostTensor& x) { return upload(backend, x, DType::f32); }

Tensor cleared(Backend& backend, const Shape& shape) {
  Tensor tensor = backend.empty(shape, DType::f32);
  backend.fill(tensor, 0);
  return tensor;
}

}  // namespace

TEST_CASE("Convolutions for inference agree, and NaN stays NaN") {
  const auto gpu = open_gpu();
  if (!gpu) TANDEM_SKIP("no GPU");
  Both both(gpu);
  for (const auto& [compute, tolerance] : kTypes)
    for (const std::int64_t channels : {3, 16, 19})
      for (const int variant : {0, 1, 2, 3}) {
        const bool relu = variant % 2 == 1, with_residual = variant > 1;
        const HostTensor x = both.random({2, 9, 7, channels}), w = both.random({21, 3, 3, channels});
        const HostTensor b = both.random({21}), residual = both.random({2, 5, 4, 21});
        both.compare(compute, tolerance, [&](Backend& backend, DType type) {
          const Tensor r = with_residual ? upload(backend, residual, type) : Tensor();
          Tensor y = backend.empty(residual.shape, type);
          backend.conv2d_inference({2, 1}, upload(backend, x, type), real(backend, w), real(backend, b), r, relu, y);
          Tensor in_place = r ? r : backend.empty(residual.shape, type);
          backend.conv2d_inference({2, 1}, upload(backend, x, type), real(backend, w), real(backend, b), r, relu,
                                   in_place);
          return std::vector<Tensor>{y, in_place};
        });
      }
  for (const auto& [compute, tolerance] : kTypes) {
    HostTensor x = both.random({1, 4, 4, 8});
    x.values[0] = std::nan("");
    Tensor y = gpu->empty({1, 4, 4, 8}, compute);
    gpu->conv2d_inference({1, 0}, upload(*gpu, x, compute), real(*gpu, both.random({8, 1, 1, 8})),
                          real(*gpu, both.random({8})), {}, true, y);
    const HostTensor got = download(*gpu, y);
    for (std::size_t i = 0; i < got.values.size(); ++i) CHECK(std::isnan(got.values[i]) == (i < 8));
  }
}

TEST_CASE("Batch norm with running statistics, and folded, agrees") {
  const auto gpu = open_gpu();
  if (!gpu) TANDEM_SKIP("no GPU");
  Both both(gpu);
  for (const auto& [compute, tolerance] : kTypes)
    for (const std::int64_t c : {1, 8, 13})
      for (const bool relu : {false, true}) {
        const HostTensor x = both.random({2, 5, 3, c}), residual = both.random({2, 5, 3, c});
        const HostTensor gamma = both.random({c}), beta = both.random({c}), mean = both.random({c});
        HostTensor var = both.random({c});
        for (double& v : var.values) v = 0.5 + v * v;
        both.compare(compute, tolerance, [&](Backend& backend, DType type) {
          Tensor y = backend.empty(x.shape, type);
          BatchNormOptions options;
          options.relu = relu;
          backend.batch_norm_forward_eval(options, upload(backend, x, type), upload(backend, residual, type),
                                          real(backend, gamma), real(backend, beta), real(backend, mean),
                                          real(backend, var), y);
          return std::vector<Tensor>{y};
        });
        const HostTensor w = both.random({c, 3, 3, 5});
        both.compare(DType::f32, 1e-6, [&](Backend& backend, DType) {
          Tensor folded_w = backend.empty(w.shape, DType::f32), folded_b = backend.empty({c}, DType::f32);
          backend.fold_batch_norm(1e-5, real(backend, w), real(backend, gamma), real(backend, beta),
                                  real(backend, mean), real(backend, var), folded_w, folded_b);
          return std::vector<Tensor>{folded_w, folded_b};
        });
      }
}

TEST_CASE("Images are normalised alike, of any size") {
  const auto gpu = open_gpu();
  if (!gpu) TANDEM_SKIP("no GPU");
  Both both(gpu);
  for (const auto& [compute, tolerance] : kTypes)
    for (const Shape& shape : {Shape{1, 1, 1, 3}, Shape{3, 7, 5, 3}, Shape{2, 64, 64, 3}}) {
      std::vector<std::uint8_t> bytes(static_cast<std::size_t>(shape.size()));
      for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::uint8_t>(i * 37);
      both.compare(compute, tolerance, [&](Backend& backend, DType type) {
        Tensor pixels = backend.empty(shape, DType::u8), y = backend.empty(shape, type);
        backend.copy_from_host(bytes.data(), pixels);
        backend.normalize_images(pixels, y);
        return std::vector<Tensor>{y};
      });
    }
}

TEST_CASE("Casts round as the CPU does, bit for bit") {
  const auto gpu = open_gpu();
  if (!gpu) TANDEM_SKIP("no GPU");
  const auto reference = make_reference_backend();
  Random random(1, RandomPurpose::test);
  std::vector<float> values{0.0F, -0.0F, HUGE_VALF, 65504.0F, 65520.0F, 0x1p-24F, 0x1p-25F, 1.0F + 0x1p-8F};
  for (int i = 0; i < 100'003; ++i)
    values.push_back(std::ldexp(random.normal(), static_cast<int>(random.below(60)) - 30));
  const auto bits_on = [&](Backend& backend, DType narrow) {
    Tensor wide = backend.empty({static_cast<std::int64_t>(values.size())}, DType::f32);
    backend.copy_from_host(values.data(), wide);
    Tensor cast = backend.empty(wide.shape(), narrow), back = backend.empty(wide.shape(), DType::f32);
    backend.cast(wide, cast);
    backend.cast(cast, back);
    std::vector<float> result(values.size());
    backend.copy_to_host(back, result.data());
    return result;
  };
  for (const DType narrow : {DType::bf16, DType::f16}) CHECK(bits_on(*gpu, narrow) == bits_on(*reference, narrow));
}

TEST_CASE("Updates agree: SGD, Adam, AdamW, LARS, LAMB, RMSprop, held back, unscaled and clipped") {
  const auto gpu = open_gpu();
  if (!gpu) TANDEM_SKIP("no GPU");
  Both both(gpu);
  std::vector<std::vector<HostTensor>> parameters;  // weight, gradient, two kept
  for (const std::int64_t n : {1, 3, 4, 1023, 70'001})
    parameters.push_back({both.random({n}), both.random({n}), both.random({n}), both.random({n}, 5)});
  for (const double norm : {1.0, HUGE_VAL, std::nan("")})
    for (const bool scaled : {false, true}) {
      CAPTURE(norm, scaled);
      const auto inputs = [&](Backend& backend) {
        UpdateInputs in{real(backend, {{3}, {0.1, 1.7, 2.5}}), real(backend, {{1}, {norm}}), {}};
        if (scaled) in.loss_scale = real(backend, {{2}, {8, 0}});
        return in;
      };
      for (const bool nesterov : {false, true})
        both.compare(DType::f32, 1e-5, [&](Backend& backend, DType) {
          std::vector<ParameterUpdate> all;
          for (const auto& p : parameters)
            all.push_back(
                {real(backend, p[0]), real(backend, p[1]), {real(backend, p[2])}, all.size() % 2 == 0 ? 1.0 : 0.0});
          backend.optimizer_update(SgdOptions{0.9, nesterov, 0.01}, inputs(backend), all);
          std::vector<Tensor> results;
          for (const auto& p : all) results.insert(results.end(), {p.weight, p.state[0]});
          return results;
        });
      for (const bool decoupled : {false, true})
        both.compare(DType::f32, 1e-5, [&](Backend& backend, DType) {
          std::vector<ParameterUpdate> all;
          for (const auto& p : parameters)
            all.push_back({real(backend, p[0]),
                           real(backend, p[1]),
                           {real(backend, p[2]), real(backend, p[3])},
                           all.size() % 2 == 0 ? 1.0 : 0.0});
          backend.optimizer_update(AdamOptions{0.9, 0.99, 1e-8, 0.01, decoupled}, inputs(backend), all);
          std::vector<Tensor> results;
          for (const auto& p : all) results.insert(results.end(), {p.weight, p.state[0], p.state[1]});
          return results;
        });
      const std::vector<UpdateRule> rules = {
          LarsOptions{0.9, true, 0.01, 0.2}, LarsOptions{.trust_clip = true, .always_adapt = true},
          LambOptions{.weight_decay = 0.01}, LambOptions{.trust_clip = true, .always_adapt = true},
          RmsPropOptions{.eps = 1e-3, .momentum = 0.9, .weight_decay = 0.01}};
      for (const UpdateRule& rule : rules)
        for (const GradientClip& clip : {GradientClip{}, GradientClip{.norm = 0.5}, GradientClip{.value = 0.3}})
          both.compare(DType::f32, 1e-5, [&](Backend& backend, DType) {
            // RMSprop's first is an average of squares.
            const bool swapped = std::holds_alternative<RmsPropOptions>(rule);
            std::vector<ParameterUpdate> all;
            for (const auto& p : parameters)
              all.push_back({real(backend, p[0]),
                             real(backend, p[1]),
                             {real(backend, p[swapped ? 3 : 2]), real(backend, p[swapped ? 2 : 3])},
                             all.size() % 2 == 0 ? 1.0 : 0.0,
                             all.size() % 3 == 0 ? 0.5 : 1.0});
            UpdateInputs in = inputs(backend);
            in.clip = clip;
            backend.optimizer_update(rule, in, all);
            std::vector<Tensor> results;
            for (const auto& p : all) results.insert(results.end(), {p.weight, p.state[0], p.state[1]});
            return results;
          });
    }
}

TEST_CASE("The gradient's norm and the loss's scale agree") {
  const auto gpu = open_gpu();
  if (!gpu) TANDEM_SKIP("no GPU");
  Both both(gpu);
  const std::vector<HostTensor> gradients{both.random({1}), both.random({70'001}), both.random({64, 3, 3, 3})};
  const auto norm_of = [&](Backend& backend, double spoilt) {
    std::vector<Tensor> all;
    for (HostTensor g : gradients) {
      if (spoilt != 0) g.values.back() = spoilt;
      all.push_back(real(backend, g));
    }
    Tensor norm = backend.empty({1}, DType::f32);
    backend.gradient_norm(all, norm);
    return norm;
  };
  both.compare(DType::f32, 1e-6, [&](Backend& backend, DType) { return std::vector<Tensor>{norm_of(backend, 0)}; });
  both.compare(DType::f32, 1e-6, [&](Backend& backend, DType) { return std::vector<Tensor>{norm_of(backend, 1e30)}; });
  for (const double bad : {HUGE_VAL, std::nan("")})
    CHECK_FALSE(std::isfinite(download(*gpu, norm_of(*gpu, bad)).values[0]));

  const double norms[] = {1, 2, HUGE_VAL, 3, 0, 4, std::nan(""), HUGE_VAL, HUGE_VAL, HUGE_VAL, HUGE_VAL};
  both.compare(DType::f32, 1e-7, [&](Backend& backend, DType) {
    Tensor scale = real(backend, {{2}, {8, 0}});
    std::vector<Tensor> states;
    for (const double norm : norms) {
      backend.update_loss_scale({2, 0.5, 2}, real(backend, {{1}, {norm}}), scale);
      states.push_back(cleared(backend, {2}));
      backend.copy(scale, states.back());
    }
    return states;
  });
}

}  // namespace tandem::test
