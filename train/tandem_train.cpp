// tandem-train: trains the twin towers as a config says.

#include <CLI/CLI.hpp>
#include <iostream>

#include "core/base/program.h"
#include "train/train.h"

int main(int argc, char** argv) {
  CLI::App app("Trains two weight-shared ResNet towers with softmax and contrastive losses.", "tandem-train");
  std::string path;
  std::vector<std::string> overrides;
  tandem::TrainOptions options;
  app.add_option("CONFIG", path, "The run's config, a JSON file (docs/config.md)")->required();
  app.add_option("--set", overrides, "Override a key: path.to.key=value; may be repeated")->allow_extra_args(false);
  app.add_flag("--resume", options.resume, "Continue from the last checkpoint in the output folder, if there is one");
  app.add_flag("--dry-run", options.dry_run, "Check config and data and time a step, without writing anything");
  return tandem::run_program(app, argc, argv,
                             [&] { return tandem::train(tandem::read_config(path, overrides), options, std::cerr); });
}
