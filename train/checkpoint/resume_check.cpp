#include "train/checkpoint/resume_check.h"

#include <xxhash.h>

namespace tandem {
namespace {

/// The config with everything that may change set to its default.
nlohmann::json essence(Config config) {
  const Config defaults;
  config.device = defaults.device;
  config.deterministic = defaults.deterministic;
  config.output = defaults.output;
  config.model.classes = defaults.model.classes;  // compared by the classes' names
  config.model.weights = defaults.model.weights;  // only the first step starts from them
  config.model.weights_key = defaults.model.weights_key;
  config.model.weights_skip = defaults.model.weights_skip;
  config.data.train = defaults.data.train;
  config.data.eval = defaults.data.eval;
  config.data.workers = defaults.data.workers;
  config.data.max_pixels = defaults.data.max_pixels;
  config.train = defaults.train;
  config.checkpoint = defaults.checkpoint;
  config.cpu = defaults.cpu;
  return to_json(config);
}

bool is_in_list(const nlohmann::json& json, const nlohmann::json::json_pointer& pointer) {
  if (pointer.empty()) return false;
  const auto parent = pointer.parent_pointer();
  return json.contains(parent) && json[parent].is_array();
}

}  // namespace

void check_resumable(const std::filesystem::path& path, const CheckpointInfo& checkpoint, const CheckpointInfo& now) {
  const nlohmann::json was = essence(checkpoint.config), is = essence(now.config);
  if (const auto changes = nlohmann::json::diff(was, is); !changes.empty()) {
    nlohmann::json::json_pointer pointer(changes[0]["path"].get<std::string>());
    // Of a list that differs, its key is named, not the place in it.
    while (is_in_list(was, pointer) || is_in_list(is, pointer)) pointer = pointer.parent_pointer();
    const auto show = [&](const nlohmann::json& j) { return j.contains(pointer) ? j[pointer].dump() : "absent"; };
    fail_input("{}: cannot resume: {} is {} in this run and {} in the config", path.string(), pointer.to_string(),
               show(was), show(is));
  }
  if (checkpoint.classes != now.classes)
    fail_input("{}: cannot resume: the training list has other classes than the run", path.string());
  if (checkpoint.state.images != now.state.images)
    fail_input("{}: cannot resume: the run has {} training images, the list now has {}", path.string(),
               checkpoint.state.images, now.state.images);
  if (checkpoint.state.list != now.state.list)
    fail_input("{}: cannot resume: the training list has other images, labels, or another order than the run",
               path.string());
}

std::string fingerprint(const ImageSource& list) {
  std::string text;
  for (std::size_t i = 0; i < list.size(); ++i) text += fmt::format("{} {}\n", list.identity(i), list.label(i));
  for (const SourcePart& part : list.parts())
    if (part.draws != part.images) text += fmt::format("{} drawn {}\n", part.images, part.draws);
  return fmt::format("{:016x}", XXH3_64bits(text.data(), text.size()));
}

}  // namespace tandem
