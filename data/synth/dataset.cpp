#include "data/synth/dataset.h"

#include <fmt/format.h>

#include <string>
#include <system_error>
#include <vector>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "core/base/thread_pool.h"
#include "data/image/image.h"
#include "data/synth/products.h"
#include "data/synth/scene.h"
#include "io/atomic_file.h"

namespace tandem::synth {
namespace {

namespace fs = std::filesystem;

void check_range(const char* name, int value, int low, int high) {
  if (value < low || value > high) fail_input("--{} {}: expected {} to {}", name, value, low, high);
}

/// One of the two parts of the data set.
struct Split {
  const char* name;
  std::uint32_t number;
  int images;  // a class
};

std::string image_path(const Split& split, int label, int index) {
  return fmt::format("{}/{}/{:04}.png", split.name, products()[static_cast<std::size_t>(label)].name, index + 1);
}

void make_folders(const DatasetOptions& options, const Split& split) {
  for (int label = 0; label < options.classes; ++label) {
    const fs::path folder = (options.out / image_path(split, label, 0)).parent_path();
    std::error_code error;
    fs::create_directories(folder, error);
    if (error) fail_input("{}: cannot make the folder: {}", folder.string(), error.message());
  }
}

void write_images(const DatasetOptions& options, const Split& split) {
  const auto images = static_cast<std::size_t>(options.classes) * static_cast<std::size_t>(split.images);
  parallel_for_each(images, 0, [&](std::size_t i) {
    const auto label = static_cast<int>(i / static_cast<std::size_t>(split.images));
    const auto index = static_cast<int>(i % static_cast<std::size_t>(split.images));
    const Random random(options.seed, RandomPurpose::synthesise, split.number, static_cast<std::uint32_t>(label),
                        static_cast<std::uint32_t>(index));
    const Image image = paint_scene(products()[static_cast<std::size_t>(label)], options.size, random);
    write_png(image, options.out / image_path(split, label, index));
  });
}

std::string list_text(const DatasetOptions& options, const Split& split) {
  std::string text;
  for (int label = 0; label < options.classes; ++label)
    for (int index = 0; index < split.images; ++index)
      text += fmt::format("{} {}\n", image_path(split, label, index), label);
  return text;
}

}  // namespace

void write_dataset(const DatasetOptions& options) {
  check_range("classes", options.classes, 2, static_cast<int>(products().size()));
  check_range("train", options.train, 1, 1000000);
  check_range("test", options.test, 1, 1000000);
  check_range("size", options.size, 8, 4096);
  const Split train{"train", 0, options.train};
  const Split test{"test", 1, options.test};
  for (const Split& split : {train, test}) make_folders(options, split);
  for (const Split& split : {train, test}) write_images(options, split);

  std::string names;
  for (int label = 0; label < options.classes; ++label)
    names += std::string(products()[static_cast<std::size_t>(label)].name) + "\n";
  write_file_atomically(options.out / "classes.txt", names);
  for (const Split& split : {train, test})
    write_file_atomically(options.out / (std::string(split.name) + ".txt"), list_text(options, split));
}

}  // namespace tandem::synth
