#include "train/search/sweep_results.h"

#include <algorithm>
#include <fstream>
#include <limits>

#include "core/base/timing.h"
#include "io/atomic_file.h"

namespace tandem {
namespace {

using Json = nlohmann::json;

TrialResult::Status parse_status(const std::string& text) {
  for (const auto& [value, name] : enum_names(TrialResult::Status{}))
    if (name == text) return value;
  fail_input("an unknown status, \"{}\"", text);
}

}  // namespace

std::vector<double> read_figures(const std::filesystem::path& metrics, const Figure& figure) {
  constexpr double kLargest = std::numeric_limits<double>::max();
  std::string pointer = "/" + figure.name();
  std::replace(pointer.begin(), pointer.end(), '.', '/');
  const nlohmann::ordered_json::json_pointer place(pointer);
  std::vector<double> values;
  std::ifstream in(metrics);
  for (std::string line; std::getline(in, line);) {
    const auto event = nlohmann::ordered_json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!event.is_object() || event.value("event", "") != "epoch") continue;
    const Figures logged = figures_in(event);
    if (has_figure(logged, figure.name())) {
      values.push_back(figure.in(logged));
    } else if (event.contains(place) && event[place].is_null()) {
      values.push_back(figure.rises() ? -kLargest : kLargest);  // not finite
    } else {
      choose_figure({figure.name(), {}}, "the sweep\'s /figure", "", logged);
    }
  }
  return values;
}

void SweepResults::read(const std::filesystem::path& path) {
  std::ifstream in(path);
  try {
    for (const Json& json : Json::parse(in)) {
      TrialResult result;
      result.trial.number = json.at("trial");
      result.trial.settings = json.at("settings").get<std::vector<std::string>>();
      result.status = parse_status(json.at("status"));
      result.problem = json.value("problem", "");
      result.figures = json.at("figures").get<std::vector<double>>();
      results_.push_back(std::move(result));
    }
  } catch (const Json::exception& e) {
    fail_input("{}: not a sweep's results: {}", path.string(), e.what());
  }
}

void SweepResults::write(const std::filesystem::path& path) const {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const TrialResult& r : ranked()) {
    nlohmann::ordered_json json{{"trial", r.trial.number}, {"settings", r.trial.settings}};
    json["status"] = enum_name(r.status);
    if (!r.problem.empty()) json["problem"] = r.problem;
    json["best"] = r.figures.empty() ? Json() : Json(best_of_first(r.figures, r.figures.size()));
    json["figures"] = r.figures;
    all.push_back(std::move(json));
  }
  write_file_atomically(path, all.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n");
}

void SweepResults::add(TrialResult result) {
  const auto same = [&](const TrialResult& r) { return r.trial.number == result.trial.number; };
  results_.erase(std::remove_if(results_.begin(), results_.end(), same), results_.end());
  results_.push_back(std::move(result));
}

bool SweepResults::has(int number) const {
  return std::any_of(results_.begin(), results_.end(), [&](const TrialResult& r) {
    return r.trial.number == number && r.status != TrialResult::Status::failed;
  });
}

bool SweepResults::all_failed() const {
  return std::all_of(results_.begin(), results_.end(),
                     [](const TrialResult& r) { return r.status == TrialResult::Status::failed; });
}

double SweepResults::best_of_first(const std::vector<double>& figures, std::size_t epochs) const {
  const auto end = figures.begin() + static_cast<std::ptrdiff_t>(epochs);
  return *std::min_element(figures.begin(), end, [this](double a, double b) { return is_better(a, b); });
}

bool SweepResults::should_prune(const std::vector<double>& figures) const {
  const std::size_t epochs = figures.size();
  if (!prune_ || epochs < static_cast<std::size_t>(prune_->after_epochs)) return false;
  std::vector<double> others;
  for (const TrialResult& r : results_)
    if (r.status == TrialResult::Status::done && r.figures.size() >= epochs)
      others.push_back(best_of_first(r.figures, epochs));
  return others.size() >= static_cast<std::size_t>(prune_->after_trials) &&
         is_better(median(others), best_of_first(figures, epochs));
}

std::vector<TrialResult> SweepResults::ranked() const {
  std::vector<TrialResult> ranked = results_;
  std::sort(ranked.begin(), ranked.end(), [this](const TrialResult& a, const TrialResult& b) {
    const bool has_a = !a.figures.empty(), has_b = !b.figures.empty();
    if (has_a != has_b) return has_a;
    if (has_a) {
      const double of_a = best_of_first(a.figures, a.figures.size()), of_b = best_of_first(b.figures, b.figures.size());
      if (of_a != of_b) return is_better(of_a, of_b);
    }
    return a.trial.number < b.trial.number;
  });
  return ranked;
}

std::string SweepResults::table() const {
  std::string text = fmt::format("rank  trial  {:>10}  epochs  settings\n", ranked_by_.name());
  int rank = 0;
  for (const TrialResult& r : ranked()) {
    const std::string best =
        r.figures.empty() ? "-" : fmt::format("{:.4f}", best_of_first(r.figures, r.figures.size()));
    text += fmt::format("{:>4}  {:>5}  {:>10}  {:>6}  {}", ++rank, r.trial.number, best, r.figures.size(),
                        fmt::join(r.trial.settings, " "));
    if (r.status == TrialResult::Status::pruned) text += "  (ended early)";
    if (r.status == TrialResult::Status::failed) text += "  (failed: " + r.problem + ")";
    text += '\n';
  }
  return text;
}

}  // namespace tandem
