#include "layers/initialise.h"

#include "core/backend/host_copy.h"
#include "core/base/rng.h"

namespace tandem {
namespace {

std::vector<float> draw(const Initial& initial, std::int64_t count, Random random) {
  std::vector<float> values(static_cast<std::size_t>(count), initial.scale);
  if (initial.kind == Initial::Kind::normal)
    for (float& v : values) v = initial.scale * random.normal();
  if (initial.kind == Initial::Kind::uniform)
    for (float& v : values) v = random.uniform(-initial.scale, initial.scale);
  return values;
}

}  // namespace

void initialise(Backend& backend, Module& module, std::uint64_t seed) {
  std::uint32_t index = 0;
  for (const NamedTensor& t : module.state())
    upload(backend, draw(t.initial, t.tensor().size(), Random(seed, RandomPurpose::initialise, 0, 0, index++)),
           t.tensor());
}

}  // namespace tandem
