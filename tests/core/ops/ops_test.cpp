#include "core/ops/ops.h"

#include "tests/support/catch.h"

namespace tandem {

TEST_CASE("Output lengths of windows") {
  CHECK(Conv2dGeometry{2, 3}.output(224, 7) == 112);
  CHECK(Conv2dGeometry{1, 1}.output(7, 3) == 7);
  CHECK(Conv2dGeometry{2, 0}.output(7, 1) == 4);
  CHECK(Pool2dGeometry{3, 2, 1}.output(112) == 56);
  CHECK(Pool2dGeometry{2, 2, 0}.output(5) == 2);
  // Caffe's: the last window may reach over the end, and begins before it.
  CHECK(Pool2dGeometry{3, 2, 0, true}.output(112) == 56);
  CHECK(Pool2dGeometry{3, 2, 0, true}.output(113) == 56);
  CHECK(Pool2dGeometry{3, 2, 0, true}.output(4) == 2);
  CHECK(Pool2dGeometry{3, 2, 0, true}.output(3) == 1);
  // A window that does not fit has no output, whatever the stride.
  for (const std::int64_t stride : {1, 2, 3}) {
    CHECK(Conv2dGeometry{stride, 0}.output(2, 3) == 0);
    CHECK(Pool2dGeometry{3, stride, 0}.output(1) == 0);
  }
}

TEST_CASE("Ops refuse arguments that do not fit together") {
  const auto backend = make_reference_backend();
  Tape tape;
  Context context{.backend = *backend, .training = true, .tape = &tape};
  const auto f32 = [&](const Shape& shape) {
    Tensor x = backend->empty(shape, DType::f32);
    backend->fill(x, 0.0);
    return Variable(x);
  };
  const auto i32 = [&](const Shape& shape) {
    Tensor x = backend->empty(shape, DType::i32);
    backend->fill(x, 0.0);
    return x;
  };
  const Variable f64 = backend->empty({2, 3}, DType::f64);
  ops::BatchNormParameters three{f32({3}), f32({3}), f32({3}).value(), f32({3}).value()};
  const auto batch_norm = [&](std::int64_t groups, const Variable& x, const Variable& residual = {}) {
    context.groups = groups;
    ops::batch_norm(context, x, three, ops::Activation::none, residual);
  };
  const struct {
    const char* op;
    std::function<void()> good, bad;
  } rows[] = {
      {"conv2d",
       [&] {
         ops::conv2d(context, f32({1, 4, 4, 3}), f32({2, 3, 3, 3}), {});
       },
       [&] {
         ops::conv2d(context, f32({1, 4, 4, 3}), f32({2, 3, 3, 4}), {});
       }},
      {"conv2d",
       [&] {
         ops::conv2d(context, f32({1, 4, 4, 6}), f32({4, 3, 3, 3}), {1, 1, 2});
       },
       [&] {
         ops::conv2d(context, f32({1, 4, 4, 6}), f32({4, 3, 3, 6}), {1, 1, 2});
       }},
      {"conv2d",
       [&] {
         ops::conv2d(context, f32({1, 4, 4, 6}), f32({4, 3, 3, 3}), {1, 1, 2});
       },
       [&] {
         ops::conv2d(context, f32({1, 4, 4, 6}), f32({5, 3, 3, 3}), {1, 1, 2});
       }},
      {"conv2d",
       [&] {
         ops::conv2d(context, f32({1, 3, 3, 3}), f32({2, 3, 3, 3}), {2, 0});
       },
       [&] {
         ops::conv2d(context, f32({1, 2, 2, 3}), f32({2, 3, 3, 3}), {2, 0});
       }},
      {"conv2d",
       [&] {
         ops::conv2d(context, f32({1, 1, 1, 3}), f32({2, 3, 3, 3}), {1, 1});
       },
       [&] {
         ops::conv2d(context, f32({1, 3}), f32({2, 3, 3, 3}), {1, 1});
       }},
      {"linear",
       [&] {
         ops::linear(context, f32({2, 3}), f32({4, 3}), f32({4}));
       },
       [&] {
         ops::linear(context, f32({2, 3}), f32({4, 2}), f32({4}));
       }},
      {"linear",
       [&] {
         ops::linear(context, f32({2, 3}), f32({3, 3}), f32({3}));
       },
       [&] {
         ops::linear(context, f32({2, 3}), f32({3, 3}), f32({2}));
       }},
      {"add",
       [&] {
         ops::add(context, f32({2, 3}), f32({2, 3}));
       },
       [&] {
         ops::add(context, f32({2, 3}), f32({3, 2}));
       }},
      {"add", [&] { ops::add(context, f64, f64); },
       [&] {
         ops::add(context, f32({2, 3}), f64);
       }},
      {"batch_norm",
       [&] {
         batch_norm(1, f32({2, 2, 2, 3}));
       },
       [&] {
         batch_norm(1, f32({2, 2, 2, 4}));
       }},
      {"batch_norm",
       [&] {
         batch_norm(2, f32({2, 2, 2, 3}));
       },
       [&] {
         batch_norm(2, f32({3, 2, 2, 3}));
       }},
      {"batch_norm",
       [&] {
         batch_norm(1, f32({2, 2, 2, 3}), f32({2, 2, 2, 3}));
       },
       [&] {
         batch_norm(1, f32({2, 2, 2, 3}), f32({2, 1, 4, 3}));
       }},
      {"max_pool",
       [&] {
         ops::max_pool(context, f32({1, 3, 3, 2}), {3, 2, 1});
       },
       [&] {
         ops::max_pool(context, f32({1, 3, 3, 2}), {3, 2, 3});
       }},
      {"max_pool",
       [&] {
         ops::max_pool(context, f32({1, 15, 15, 2}), {15, 2, 0});
       },
       [&] {
         ops::max_pool(context, f32({1, 16, 16, 2}), {16, 2, 0});
       }},
      {"max_pool",
       [&] {
         ops::max_pool(context, f32({1, 3, 3, 2}), {3, 2, 0});
       },
       [&] {
         ops::max_pool(context, f32({1, 2, 2, 2}), {3, 2, 0});
       }},
      {"average_pool",
       [&] {
         ops::average_pool(context, f32({2, 3, 3, 1}), 2);
       },
       [&] {
         ops::average_pool(context, f32({2, 3, 3, 1}), 0);
       }},
      {"global_average_pool",
       [&] {
         ops::global_average_pool(context, f32({2, 3, 3, 1}));
       },
       [&] {
         ops::global_average_pool(context, f32({2, 3}));
       }},
      {"rows",
       [&] {
         ops::rows(context, f32({2, 3}), 1, 2);
       },
       [&] {
         ops::rows(context, f32({2, 3}), 1, 3);
       }},
      {"softmax_cross_entropy",
       [&] {
         ops::softmax_cross_entropy(context, f32({2, 3}), i32({2}));
       },
       [&] {
         ops::softmax_cross_entropy(context, f32({2, 3}), i32({3}));
       }},
      {"softmax_cross_entropy",
       [&] {
         ops::softmax_cross_entropy(context, f32({2, 3}), i32({2}));
       },
       [&] {
         ops::softmax_cross_entropy(context, f32({2, 3}), f32({2}).value());
       }},
      {"contrastive",
       [&] {
         ops::contrastive(context, f32({2, 3}), f32({2, 3}), i32({2}), i32({2}), {});
       },
       [&] {
         ops::contrastive(context, f32({2, 3}), f32({2, 4}), i32({2}), i32({2}), {});
       }},
      {"contrastive",
       [&] {
         ops::contrastive(context, f32({2, 3}), f32({2, 3}), i32({2}), i32({2}), {});
       },
       [&] {
         ops::contrastive(context, f32({2, 3}), f32({2, 3}), i32({2}), i32({1}), {});
       }},
      {"weighted_sum", [&] { ops::weighted_sum(context, {f32({1})}, f32({1}).value()); },
       [&] { ops::weighted_sum(context, {f32({1})}, f32({2}).value()); }},
      {"weighted_sum", [&] { ops::weighted_sum(context, {f32({1})}, f32({1}).value()); },
       [&] { ops::weighted_sum(context, {f32({2})}, f32({1}).value()); }},
  };
  for (const auto& row : rows) {
    CAPTURE(row.op);
    CHECK_NOTHROW(row.good());
    std::string message;
    try {
      row.bad();
    } catch (const Error& e) {
      message = e.what();
    }
    CAPTURE(message);
    CHECK(message.starts_with(std::string(row.op) + ":"));
  }
}

TEST_CASE("Ops refuse elements of a type that they would read as another") {
  const auto backend = make_reference_backend();
  Context context{.backend = *backend, .training = true};
  const auto zeros = [&](DType dtype, const Shape& shape) {
    Tensor x = backend->empty(shape, dtype);
    backend->fill(x, 0.0);
    return x;
  };
  const DType f32 = DType::f32, bf16 = DType::bf16, f64 = DType::f64;
  const Tensor labels = zeros(DType::i32, {2});
  const auto conv2d = [&](DType x, DType w) {
    ops::conv2d(context, zeros(x, {1, 4, 4, 3}), zeros(w, {2, 3, 3, 3}), {});
  };
  const auto linear = [&](DType x, DType w, DType b) {
    ops::linear(context, zeros(x, {2, 3}), zeros(w, {4, 3}), zeros(b, {4}));
  };
  const auto batch_norm = [&](DType x, DType parameter, DType running) {
    ops::BatchNormParameters p{zeros(parameter, {3}), zeros(f32, {3}), zeros(running, {3}), zeros(f32, {3})};
    ops::batch_norm(context, zeros(x, {1, 2, 2, 3}), p, ops::Activation::none);
  };
  const auto softmax = [&](DType x) { ops::softmax_cross_entropy(context, zeros(x, {2, 3}), labels); };
  const auto contrastive = [&](DType a, DType b) {
    ops::contrastive(context, zeros(a, {2, 3}), zeros(b, {2, 3}), labels, labels, {});
  };
  CHECK_NOTHROW((conv2d(f32, f32), linear(f32, f32, f32), linear(f64, f64, f64), batch_norm(f32, f32, f32),
                 softmax(f32), softmax(f64), contrastive(f64, f64)));
  const struct {
    const char* op;
    std::function<void()> call;
  } rows[] = {
      {"conv2d", [&] { conv2d(f32, bf16); }},
      {"conv2d", [&] { conv2d(f32, f64); }},
      {"conv2d", [&] { conv2d(f64, f32); }},
      {"linear", [&] { linear(f32, bf16, f32); }},
      {"linear", [&] { linear(bf16, bf16, bf16); }},
      {"linear", [&] { linear(f32, f32, f64); }},
      {"batch_norm", [&] { batch_norm(f32, bf16, f32); }},
      {"batch_norm", [&] { batch_norm(f32, f32, f64); }},
      {"batch_norm", [&] { batch_norm(f64, f32, f32); }},
      {"softmax_cross_entropy", [&] { softmax(bf16); }},
      {"contrastive", [&] { contrastive(bf16, bf16); }},
      {"contrastive", [&] { contrastive(f32, f64); }},
  };
  for (const auto& row : rows) CHECK_THROWS_WITH(row.call(), Catch::Matchers::StartsWith(std::string(row.op) + ":"));
}

TEST_CASE("Batch norm with running statistics cannot be differentiated") {
  const auto backend = make_reference_backend();
  Tape tape;
  const auto ones = [&](const Shape& shape) {
    Tensor x = backend->empty(shape, DType::f32);
    backend->fill(x, 1.0);
    return x;
  };
  ops::BatchNormParameters parameters{ones({3}), ones({3}), ones({3}), ones({3})};
  Context context{.backend = *backend, .training = false, .tape = &tape};
  CHECK_THROWS_AS(ops::batch_norm(context, ones({1, 1, 1, 3}), parameters, ops::Activation::none), Error);
  context.tape = nullptr;
  CHECK_NOTHROW(ops::batch_norm(context, ones({1, 1, 1, 3}), parameters, ops::Activation::none));
}

}  // namespace tandem
