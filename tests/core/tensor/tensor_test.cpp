#include "core/tensor/tensor.h"

#include "core/backend/backend.h"
#include "tests/support/catch.h"

namespace tandem {

TEST_CASE("Shape knows its rank and size and prints itself") {
  CHECK(Shape{}.rank() == 0);
  CHECK(Shape{}.size() == 1);
  const Shape shape{2, 7, 5, 64};
  CHECK(shape.rank() == 4);
  CHECK(shape.size() == 2 * 7 * 5 * 64);
  CHECK(shape[0] == 2);
  CHECK(to_string(shape) == "(2, 7, 5, 64)");
  CHECK(fmt::format("{}", Shape{3}) == "(3)");
  CHECK(shape.with_rows(9) == Shape{9, 7, 5, 64});
  CHECK(Shape{0, 3}.size() == 0);
  CHECK(Shape{2, 3} != Shape{3, 2});
  CHECK(Shape{2} != Shape{2, 1});
}

TEST_CASE("Shape refuses a negative dimension and more than four") {
  CHECK_THROWS_AS((Shape{2, -1}), Error);
  CHECK_THROWS_AS((Shape{1, 1, 1, 1, 1}), Error);
}

TEST_CASE("A copied tensor shares its memory and gives it back with the last handle") {
  const auto backend = make_reference_backend();
  Tensor a = backend->empty({2, 3}, DType::f32);
  CHECK(a.defined());
  CHECK(a.bytes() == 24);
  CHECK(a.unique());
  {
    Tensor b = a;
    CHECK_FALSE(a.unique());
    b.data<float>()[5] = 7;
    CHECK(a.data<float>()[5] == 7);
  }
  CHECK(a.unique());
  CHECK(backend->memory().in_use > 0);
  a = Tensor();
  CHECK_FALSE(a.defined());
  CHECK(backend->memory().in_use == 0);
}

TEST_CASE("A tensor keeps its arena alive") {
  auto backend = make_reference_backend();
  Tensor a = backend->empty({1000}, DType::f64);
  backend.reset();
  a.data<double>()[999] = 3;
  CHECK(a.data<double>()[999] == 3);
}

TEST_CASE("Rows and reshape are views of the same memory") {
  const auto backend = make_reference_backend();
  Tensor x = backend->empty({4, 3}, DType::f32);
  for (int i = 0; i < 12; ++i) x.data<float>()[i] = static_cast<float>(i);
  Tensor part = x.rows(1, 3);
  CHECK(part.shape() == Shape{2, 3});
  CHECK(part.data<float>()[0] == 3);
  CHECK_FALSE(x.unique());
  CHECK(part.rows(1, 2).data<float>()[2] == 8);
  part.data<float>()[0] = -1;
  CHECK(x.data<float>()[3] == -1);
  CHECK(x.rows(4, 4).size() == 0);

  const Tensor flat = x.reshape({12});
  CHECK(flat.shape() == Shape{12});
  CHECK(flat.data<float>()[11] == 11);
  CHECK(part.reshape({6}).data<float>()[5] == 8);
}

TEST_CASE("A view outside the tensor and a reshape to another size throw") {
  const auto backend = make_reference_backend();
  const Tensor x = backend->empty({4, 3}, DType::f32);
  CHECK_THROWS_AS(x.rows(-1, 2), Error);
  CHECK_THROWS_AS(x.rows(3, 2), Error);
  CHECK_THROWS_AS(x.rows(0, 5), Error);
  CHECK_THROWS_AS(x.reshape({11}), Error);
}

TEST_CASE("Reading a tensor as another type throws") {
  const auto backend = make_reference_backend();
  Tensor x = backend->empty({4}, DType::f32);
  CHECK_NOTHROW(x.data<float>());
  CHECK_THROWS_AS(x.data<double>(), Error);
  CHECK_THROWS_AS(x.data<std::int32_t>(), Error);  // of the same size
  CHECK_THROWS_AS(x.data<BFloat16>(), Error);
  CHECK_THROWS_AS(std::as_const(x).data<std::uint8_t>(), Error);
}

}  // namespace tandem
