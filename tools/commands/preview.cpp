// tandem-data preview: draws the first batches of a run.

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <memory>

#include "core/base/error.h"
#include "data/image/codec/codec.h"
#include "io/atomic_file.h"
#include "tools/commands/commands.h"
#include "tools/preview/preview.h"
#include "train/loop/session.h"

namespace tandem::tools {
namespace {

struct PreviewOptions {
  std::string config;
  std::filesystem::path out;
  int batches = 1;
  std::vector<std::string> overrides;
};

int run_preview(const PreviewOptions& options) {
  const std::string ending = options.out.extension().string();
  if (ending != ".html" && ending != ".png")
    fail_input("--out {}: expected a file name that ends with .html or .png", options.out.string());
  const Config config = read_config(options.config, options.overrides);
  const std::unique_ptr<const ImageSource> list = open_training_list(config);
  const std::vector<PreviewBatch> batches = draw_preview(config, *list, options.batches);
  if (ending == ".html") {
    write_file_atomically(options.out, preview_page(config, *list, batches));
  } else {
    const std::vector<std::uint8_t> file = codec_encode_png(preview_sheet(batches));
    write_file_atomically(options.out, {reinterpret_cast<const char*>(file.data()), file.size()});
    fmt::print("{}", preview_lines(batches));
  }
  fmt::print("written: {}\n", options.out.string());
  return 0;
}

}  // namespace

Command add_preview(CLI::App& program) {
  const auto options = std::make_shared<PreviewOptions>();
  CLI::App* preview =
      program.add_subcommand("preview", "Draw the first batches of a run as the network sees them, pair by pair");
  preview->add_option("CONFIG", options->config, "The run's config, a JSON file (docs/config.md)")->required();
  preview->add_option("--out", options->out, "File to write: a page (.html), or one picture (.png) and lines of text")
      ->required();
  preview->add_option("--batches", options->batches, "How many batches")
      ->capture_default_str()
      ->check(CLI::Range(1, 100));
  preview->add_option("--set", options->overrides, "Override a key: path.to.key=value; may be repeated")
      ->allow_extra_args(false);
  return {preview, [options] { return run_preview(*options); }};
}

}  // namespace tandem::tools
