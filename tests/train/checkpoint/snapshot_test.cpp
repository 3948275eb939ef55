// What is trained while a checkpoint is written is not in it.

#include "core/backend/backend.h"
#include "io/safetensors.h"
#include "layers/initialise.h"
#include "tests/support/tiny_run.h"
#include "train/checkpoint/checkpoint.h"

namespace tandem {
namespace {

std::string metadata_of(const std::filesystem::path& path) {
  return nlohmann::json(SafetensorsFile(path).metadata()).dump();
}

/// All bytes of all tensors.
std::string data_of(const std::filesystem::path& path) {
  std::string data;
  const SafetensorsFile file(path);
  for (const SafetensorsEntry& entry : file.entries())
    data.append(reinterpret_cast<const char*>(entry.data.data()), entry.data.size());
  return data;
}

TEST_CASE("a snapshot is of the run as it was when it was taken, wherever it has gone meanwhile") {
  const test::TempDir dir;
  const auto backend = make_cpu_backend();
  TwinTowers model(*backend, DType::f32, {{"resnet18"}, 3, {8}});
  initialise(*backend, model, 1);
  Sgd optimizer(*backend, model, SgdOptions{});
  CheckpointInfo info{{}, {"a", "b", "c"}, {}};
  info.state.step = 7;
  CheckpointSnapshot(*backend, model, optimizer, info).write(dir / "at_once");

  CheckpointSnapshot taken(*backend, model, optimizer, info);
  for (const std::vector<NamedTensor>& tensors : {model.state(), optimizer.state()})
    for (const NamedTensor& t : tensors) backend->fill(t.tensor(), 0.5);
  info.state.step = 8;
  const CheckpointSnapshot moved = std::move(taken);
  moved.write(dir / "later");
  CHECK(moved.step() == 7);
  CHECK((data_of(dir / "later") == data_of(dir / "at_once")));
  CHECK(metadata_of(dir / "later") == metadata_of(dir / "at_once"));
  CHECK(moved.bytes() == data_of(dir / "later").size());
}

}  // namespace
}  // namespace tandem
