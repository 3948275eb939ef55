// tandem-train: trains the twin towers as a config says.

#include <CLI/CLI.hpp>
#include <iostream>

#include "core/base/error.h"
#include "core/base/program.h"
#include "inference/model/model_file.h"
#include "train/train.h"

int main(int argc, char** argv) {
  CLI::App app("Trains two weight-shared ResNet towers with softmax and contrastive losses.", "tandem-train");
  std::string path;
  std::vector<std::string> overrides, strip;
  tandem::TrainOptions options;
  CLI::Option* const training[] = {
      app.add_option("CONFIG", path, "The run's config, a JSON file (docs/config.md)"),
      app.add_option("--set", overrides, "Override a key: path.to.key=value; may be repeated")->allow_extra_args(false),
      app.add_flag("--resume", options.resume,
                   "Continue from the last checkpoint in the output folder, if there is one"),
      app.add_flag("--dry-run", options.dry_run,
                   "Check config and data, draw the schedule and time a step, without writing anything")};
  CLI::Option* stripping = app.add_option("--strip", strip,
                                          "Do not train: write the model of a checkpoint, without the state of "
                                          "optimizer and run, to another file, of about half the size")
                               ->type_name("CHECKPOINT OUT")
                               ->expected(2);
  for (CLI::Option* option : training) stripping->excludes(option);
  return tandem::run_program(app, argc, argv, [&] {
    if (!strip.empty()) {
      tandem::strip_checkpoint(strip[0], strip[1]);
      std::cout << "written: " << strip[1] << '\n';
      return 0;
    }
    if (path.empty()) tandem::fail_input("CONFIG is required (see --help)");
    return tandem::train(tandem::read_config(path, overrides), options, std::cerr);
  });
}
