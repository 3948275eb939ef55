// tandem-data synth: draws a data set.

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <memory>

#include "data/synth/dataset.h"
#include "tools/commands/commands.h"

namespace tandem::tools {
namespace {

int synthesise(const synth::DatasetOptions& options) {
  synth::write_dataset(options);
  fmt::print("{}: {} classes, {} training and {} test images of {}x{} pixels\n", options.out.string(), options.classes,
             options.classes * options.train, options.classes * options.test, options.size, options.size);
  return 0;
}

}  // namespace

Command add_synth(CLI::App& app) {
  const auto options = std::make_shared<synth::DatasetOptions>();
  CLI::App* parser = app.add_subcommand("synth", "Draw a data set of product-like objects");
  parser->add_option("--out", options->out, "Folder to write")->required();
  parser->add_option("--classes", options->classes, "Number of classes, 2 to 12")->capture_default_str();
  parser->add_option("--train", options->train, "Training images per class")->capture_default_str();
  parser->add_option("--test", options->test, "Test images per class")->capture_default_str();
  parser->add_option("--size", options->size, "Height and width in pixels")->capture_default_str();
  parser->add_option("--seed", options->seed, "Another seed draws other images")->capture_default_str();
  return {parser, [options] { return synthesise(*options); }};
}

}  // namespace tandem::tools
