// The initialisers of ONNX models.

#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/temp_dir.h"
#include "tests/weights/files.h"
#include "weights/onnx/onnx.pb.h"

namespace tandem {
namespace {

using test::contains;

constexpr int kFloat = 1, kInt64 = 7, kString = 8, kFloat16 = 10, kDouble = 11;

onnx::TensorProto& add(onnx::ModelProto& model, const std::string& name, int type,
                       const std::vector<std::int64_t>& dims) {
  onnx::TensorProto& tensor = *model.mutable_graph()->add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(type);
  for (const std::int64_t size : dims) tensor.add_dims(size);
  return tensor;
}

onnx::ModelProto begun() {
  onnx::ModelProto model;
  model.set_ir_version(8);
  model.set_producer_name("pytorch");
  model.set_producer_version("2.4");
  (void)model.mutable_graph();
  return model;
}

TEST_CASE("an ONNX model's initialisers are read, raw and in lists") {
  onnx::ModelProto model = begun();
  add(model, "bn1.weight", kFloat, {2}).set_raw_data(test::bytes(1.5F) + test::bytes(-2.0F));
  onnx::TensorProto& list = add(model, "conv1.weight", kFloat, {1, 3});
  for (const float value : {1.0F, 2.0F, 3.0F}) list.add_float_data(value);
  add(model, "half", kFloat16, {1}).set_raw_data(std::string("\x00\x3c", 2));
  add(model, "wide", kDouble, {1}).add_double_data(0.1);
  add(model, "shape", kInt64, {1}).add_int64_data(-1);
  const test::TempDir folder;
  const WeightsFile file = read_weights(folder.write("a.onnx", model.SerializeAsString()));
  CHECK(file.format == "ONNX");
  CHECK(file.metadata.at("producer") == "pytorch 2.4");
  REQUIRE(file.entries.size() == 5);
  CHECK(test::values_of<float>(*file.find("bn1.weight")) == std::vector<float>{1.5F, -2});
  CHECK(test::values_of<float>(*file.find("conv1.weight")) == std::vector<float>{1, 2, 3});
  CHECK(file.find("conv1.weight")->shape == std::vector<std::int64_t>{1, 3});
  CHECK(file.find("half")->dtype == "F16");
  CHECK(test::values_of<double>(*file.find("wide")) == std::vector<double>{0.1});
  CHECK(test::values_of<std::int64_t>(*file.find("shape")) == std::vector<std::int64_t>{-1});
}

TEST_CASE("an ONNX tensor that cannot be read is refused by its name") {
  const test::TempDir folder;
  const auto error = [&](const onnx::ModelProto& model) {
    return test::error_of([&] { (void)read_weights(folder.write("a.onnx", model.SerializeAsString())); });
  };
  onnx::ModelProto model = begun();
  add(model, "w", kFloat, {3}).set_raw_data("abcd");
  CHECK(contains(error(model), ": the tensor w is F32 (3), but has 4 bytes: damaged"));
  model = begun();
  add(model, "w", kFloat, {std::int64_t{1} << 62, 4});
  CHECK(contains(error(model), "but has 0 bytes: damaged"));
  model = begun();
  add(model, "w", kString, {0});
  CHECK(contains(error(model), "the tensor w is of ONNX's type 8, which is not read"));
  model = begun();
  add(model, "w", kFloat, {1}).set_data_location(1);
  CHECK(contains(error(model), "the tensor w lies in another file"));
  model.clear_graph();
  CHECK(contains(error(model), "begins as an ONNX model does, but is damaged"));
}

}  // namespace
}  // namespace tandem
