#include "train/search/sweep.h"

#include <filesystem>
#include <fstream>

#include "io/atomic_file.h"
#include "train/checkpoint/run_folder.h"
#include "train/search/sweep_results.h"
#include "train/train.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

/// What trials are ranked by: where the sweep does not say, what names the best epoch of a run.
Figure ranked_by(const FigureOptions& options, const Config& config) {
  const std::string evaluation = config.ema ? "eval_ema." : "eval.";
  Figures logged{{evaluation + "top1", 0.0}};
  if (!trained_heads(config.loss).classifier) logged.emplace_back(evaluation + "recall_at_1", 0.0);
  const std::string name = options.figure.value_or(usual_figure(logged));
  return choose_figure({name, options.mode}, "", name, {{name, 0.0}});
}

class Sweep {
 public:
  Sweep(const std::string& path, const SweepRun& run, std::ostream& out)
      : plan_(read_sweep(path)),
        run_(run),
        out_(out),
        folder_(plan_.options.output),
        configs_(configs_of_trials()),
        figure_(ranked_by(plan_.options.ranked_by, configs_.front())),
        results_(figure_, plan_.options.prune) {
    for (const Config& config : configs_) {
      if (!config.data.eval)
        fail_input("{}: /data/eval is missing; a sweep ranks its trials by an evaluation", plan_.options.config);
      if (config.train.max_time)
        fail_input("{}: /train/max_time: expected null, since a sweep compares trials that are trained to their end",
                   plan_.options.config);
      if (ranked_by(plan_.options.ranked_by, config).name() != figure_.name())
        fail_input(
            "{}: /figure: the best epoch is not named by the same figure in every trial; expected the name of "
            "one that all trials log, such as \"eval.top1\"",
            path);
    }
  }

  int run() {
    if (run_.dry_run) return list();
    const bool goes_on = fs::exists(described());
    if (goes_on && !run_.resume)
      fail_input("{}: holds a sweep already; --resume continues it, another \"output\" starts another",
                 folder_.string());
    require_writable_folder(folder_);
    const FolderLock lock(folder_);
    remove_temporaries(folder_);
    if (goes_on) check_same();
    write_file_atomically(described(), description().dump(2) + "\n");
    if (fs::exists(record())) results_.read(record());
    for (std::size_t i = 0; i < plan_.trials.size(); ++i)
      if (!results_.has(plan_.trials[i].number) && !run_trial(plan_.trials[i], configs_[i])) {
        out_ << fmt::format("interrupted; --resume continues the sweep in {}\n", folder_.string());
        return 130;
      }
    out_ << results_.table();
    if (results_.all_failed()) return 1;
    const int best = results_.ranked().front().trial.number;
    out_ << fmt::format("the best trial's model: {}\n",
                        (folder_of(best) / "checkpoints" / "best.safetensors").string());
    return 0;
  }

 private:
  fs::path described() const { return folder_ / "sweep.json"; }
  fs::path record() const { return folder_ / "results.json"; }
  fs::path folder_of(int number) const { return folder_ / fmt::format("trial-{:04}", number); }

  Config config_of(const Trial& trial) const {
    std::vector<std::string> overrides = run_.overrides;
    overrides.insert(overrides.end(), trial.settings.begin(), trial.settings.end());
    overrides.push_back("output=" + Json(folder_of(trial.number).string()).dump());
    return read_config(plan_.options.config, overrides);
  }

  std::vector<Config> configs_of_trials() const {
    std::vector<Config> configs;
    for (const Trial& trial : plan_.trials) configs.push_back(config_of(trial));
    return configs;
  }

  int list() const {
    for (const Trial& trial : plan_.trials) out_ << heading(trial) << '\n';
    out_ << "Nothing was trained.\n";
    return 0;
  }

  std::string heading(const Trial& trial) const {
    return fmt::format("trial {} of {}: {}", trial.number, plan_.trials.size(), fmt::join(trial.settings, " "));
  }

  /// What must not change while a sweep goes on: the trials, and what they begin with.
  Json description() const {
    const SweepOptions& o = plan_.options;
    return {{"config", to_json(read_config(o.config, run_.overrides))},
            {"method", enum_name(o.method)},
            {"seed", o.seed},
            {"parameters", o.parameters},
            {"ranked_by", figure_.text()}};
  }

  void check_same() const {
    std::ifstream in(described());
    const nlohmann::json was = nlohmann::json::parse(in, nullptr, /*allow_exceptions=*/false), is = description();
    if (was.is_discarded()) fail_input("{}: not a sweep's description", described().string());
    if (const auto changes = nlohmann::json::diff(was, is); !changes.empty())
      fail_input("{}: cannot resume: {} is not as it was when the sweep began", described().string(),
                 changes[0]["path"].get<std::string>());
  }

  /// Returns whether the sweep goes on.
  bool run_trial(const Trial& trial, const Config& config) {
    const fs::path metrics = folder_of(trial.number) / "metrics.jsonl";
    const auto figures = [&] { return read_figures(metrics, figure_); };
    TrialResult result{trial, TrialResult::Status::done, {}, {}};
    out_ << heading(trial) << '\n' << std::flush;
    try {
      // A trial that was stopped just after its last epoch may be one to end.
      bool pruned = results_.should_prune(figures());
      TrainOptions options;
      options.resume = fs::exists(RunFolder::last_in(config.output));
      options.goes_on_after_epoch = [&] { return !(pruned = results_.should_prune(figures())); };
      if (!pruned && train(config, options, out_) == 130) return false;
      result.figures = figures();
      if (pruned && result.figures.size() < static_cast<std::size_t>(config.train.epochs))
        result.status = TrialResult::Status::pruned;
    } catch (const Error& e) {
      result.status = TrialResult::Status::failed;
      result.problem = e.what();
      out_ << "the trial failed: " << e.what() << '\n';
    }
    results_.add(std::move(result));
    results_.write(record());
    return true;
  }

  SweepPlan plan_;
  const SweepRun& run_;
  std::ostream& out_;
  fs::path folder_;
  std::vector<Config> configs_;
  Figure figure_;
  SweepResults results_;
};

}  // namespace

int run_sweep(const std::string& path, const SweepRun& run, std::ostream& out) { return Sweep(path, run, out).run(); }

}  // namespace tandem
