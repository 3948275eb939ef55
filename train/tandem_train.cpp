// tandem-train: trains the twin towers as a config says.

#include <CLI/CLI.hpp>
#include <iostream>

#include "core/base/error.h"
#include "core/base/program.h"
#include "inference/model/model_file.h"
#include "train/search/find_lr.h"
#include "train/search/sweep.h"
#include "train/train.h"

int main(int argc, char** argv) {
  CLI::App app("Trains two weight-shared ResNet towers with softmax and contrastive losses.", "tandem-train");
  std::string path, sweep, find_lr, weights = "auto";
  std::vector<std::string> overrides, strip;
  tandem::TrainOptions options;
  CLI::Option* const training[] = {
      app.add_option("CONFIG", path, "The run's config, a JSON file (docs/config.md)"),
      app.add_option("--set", overrides, "Override a key: path.to.key=value; may be repeated")->allow_extra_args(false),
      app.add_flag("--resume", options.resume,
                   "Continue from the last checkpoint in the output folder, if there is one"),
      app.add_flag("--dry-run", options.dry_run,
                   "Check config and data, draw the schedule and time a step, without writing anything")};
  CLI::Option* sweeping =
      app.add_option("--sweep", sweep,
                     "Train the config that this file names again and again, with its values of some keys, and rank "
                     "what came of it (docs/search.md)")
          ->type_name("SWEEP.json");
  CLI::Option* finding =
      app.add_option("--find-lr", find_lr,
                     "Do not train a run: try 100 steps with a rising learning rate, plot the loss to this file, and "
                     "suggest a rate")
          ->type_name("OUT.svg");
  finding->excludes(training[2], training[3], sweeping);
  sweeping->excludes(training[0]);
  CLI::Option* stripping = app.add_option("--strip", strip,
                                          "Do not train: write the model of a checkpoint, without the state of "
                                          "optimizer and run, to another file, of about half the size")
                               ->type_name("CHECKPOINT OUT")
                               ->expected(2);
  app.add_option("--weights", weights, "Which weights --strip keeps: raw, ema, or auto: ema if there are averaged ones")
      ->needs(stripping);
  for (CLI::Option* option : training) stripping->excludes(option);
  stripping->excludes(sweeping, finding);
  return tandem::run_program(app, argc, argv, [&] {
    if (!strip.empty()) {
      const tandem::WeightSet kept = tandem::strip_checkpoint(strip[0], strip[1], tandem::parse_weight_set(weights));
      std::cout << "written: " << strip[1] << (kept == tandem::WeightSet::ema ? ", the averaged weights\n" : "\n");
      return 0;
    }
    if (!sweep.empty()) return tandem::run_sweep(sweep, {options.resume, options.dry_run, overrides}, std::cerr);
    if (path.empty()) tandem::fail_input("CONFIG is required (see --help)");
    const tandem::Config config = tandem::read_config(path, overrides);
    return find_lr.empty() ? tandem::train(config, options, std::cerr) : tandem::find_lr(config, find_lr, std::cerr);
  });
}
