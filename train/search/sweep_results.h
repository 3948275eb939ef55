#pragma once
// What a sweep has found so far: the record in results.json, when a trial is ended early, and the ranking.

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "train/control/figure.h"
#include "train/search/sweep_plan.h"

namespace tandem {

struct TrialResult {
  enum class Status { done, pruned, failed };

  Trial trial;
  Status status = Status::done;
  std::string problem;          ///< of one that failed
  std::vector<double> figures;  ///< what the trial is ranked by, after each of its epochs
};

constexpr auto enum_names(TrialResult::Status) {
  using enum TrialResult::Status;
  return std::to_array<EnumName<TrialResult::Status>>({{done, "done"}, {pruned, "pruned"}, {failed, "failed"}});
}

/// The figure of each epoch, as a run's metrics.jsonl has it; one that is not finite is the worst there is. No file:
/// none. InputError for a figure that an epoch does not have, naming those that it has.
std::vector<double> read_figures(const std::filesystem::path& metrics, const Figure& figure);

class SweepResults {
 public:
  SweepResults(Figure ranked_by, std::optional<PruneOptions> prune) : ranked_by_(std::move(ranked_by)), prune_(prune) {}

  /// Reads what write() wrote. InputError, naming the file, for another content.
  void read(const std::filesystem::path& path);
  /// Writes atomically.
  void write(const std::filesystem::path& path) const;

  void add(TrialResult result);
  /// Whether the trial has ended for good. One that failed has not: it may have been the disk.
  bool has(int number) const;
  bool empty() const { return results_.empty(); }
  bool all_failed() const;

  /// Whether a trial with these figures so far should be ended (PruneOptions says when).
  bool should_prune(const std::vector<double>& figures) const;
  /// Best first, those that failed last; of equal ones the earlier trial first.
  std::vector<TrialResult> ranked() const;
  /// The ranking for people, one line for each trial.
  std::string table() const;

 private:
  double best_of_first(const std::vector<double>& figures, std::size_t epochs) const;
  bool is_better(double a, double b) const { return ranked_by_.is_better(a, b); }

  Figure ranked_by_;
  std::optional<PruneOptions> prune_;
  std::vector<TrialResult> results_;
};

}  // namespace tandem
