#include "train/search/sweep_plan.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "core/base/rng.h"
#include "train/config/config_reader.h"
#include "train/config/config_text.h"

namespace tandem {
namespace {

using Json = nlohmann::json;

constexpr std::size_t kMostTrials = 1000000;

/// Numbers to draw from.
struct Interval {
  enum class Scale { linear, log };
  double min = 0, max = 0;
  Scale scale = Scale::linear;
  bool integer = false;
};

constexpr auto enum_names(Interval::Scale) {
  using enum Interval::Scale;
  return std::to_array<EnumName<Interval::Scale>>({{linear, "linear"}, {log, "log"}});
}

Interval read_interval(const Json& json, const std::string& pointer, const ConfigSource& from) {
  Interval interval;
  for (const char* end : {"min", "max"})
    if (!json.contains(end)) from.fail_at(pointer, fmt::format("the key \"{}\" is missing", end));
  ObjectReader keys(json, pointer, from);
  keys("min", interval.min);
  keys("max", interval.max);
  keys("scale", interval.scale);
  keys("integer", interval.integer);
  keys.finish();
  if (interval.min >= interval.max) from.fail_value(pointer + "/max", json["max"], "a number above \"min\"");
  if (interval.scale == Interval::Scale::log && interval.min <= 0)
    from.fail_value(pointer + "/min", json["min"], "a number above 0, since the scale is \"log\"");
  if (interval.integer && (interval.min != std::floor(interval.min) || interval.max != std::floor(interval.max)))
    from.fail_at(pointer, "\"min\" and \"max\" must be integers, since \"integer\" is true");
  return interval;
}

/// A number between the ends; of integers, each end with the same chance as those between.
Json draw(const Interval& interval, Random& random) {
  const bool log = interval.scale == Interval::Scale::log;
  const double below = interval.integer ? 0.5 : 0;
  const auto to_scale = [&](double x) { return log ? std::log(x) : x; };
  const double low = to_scale(interval.min - below), high = to_scale(interval.max + below);
  // 24 bits are enough to search with, and few digits are easier to read.
  const double at = low + (high - low) * static_cast<double>(random.uniform());
  const double x = std::clamp(log ? std::exp(at) : at, interval.min, interval.max);
  if (interval.integer) return static_cast<std::int64_t>(std::llround(x));
  return Json::parse(fmt::format("{:.4g}", x));
}

std::string setting(const std::string& key, const Json& value) { return key + "=" + value.dump(); }

/// Every combination, the last key changing fastest.
std::vector<Trial> grid(const SweepOptions& options, const ConfigSource& from) {
  std::size_t count = 1;
  for (const auto& [key, values] : options.parameters.items()) {
    const std::string pointer = child_pointer("/parameters", key);
    if (!values.is_array()) from.fail_value(pointer, values, "a list, since the method is \"grid\"");
    count *= values.size();
    if (count > kMostTrials)
      from.fail_at("/parameters",
                   fmt::format("more than {} combinations; the method \"random\" draws some of them", kMostTrials));
  }
  std::vector<Trial> trials(count);
  for (std::size_t i = 0; i < count; ++i) {
    trials[i].number = static_cast<int>(i) + 1;
    std::size_t every = count;  // trials that share the values of the keys so far
    for (const auto& [key, values] : options.parameters.items()) {
      every /= values.size();
      trials[i].settings.push_back(setting(key, values[i / every % values.size()]));
    }
  }
  return trials;
}

std::vector<Trial> draws(const SweepOptions& options, const ConfigSource& from) {
  std::vector<Trial> trials(static_cast<std::size_t>(*options.trials));
  std::uint32_t stream = 0;
  for (const auto& [key, values] : options.parameters.items()) {
    std::optional<Interval> interval;
    if (!values.is_array()) interval = read_interval(values, child_pointer("/parameters", key), from);
    for (std::size_t i = 0; i < trials.size(); ++i) {
      trials[i].number = static_cast<int>(i) + 1;
      // Each value has a sequence of its own: more trials, or another key's values, leave it as it is.
      Random random(options.seed, RandomPurpose::search, 0, stream, static_cast<std::uint32_t>(i));
      trials[i].settings.push_back(setting(
          key, interval ? draw(*interval, random) : values[random.below(static_cast<std::uint32_t>(values.size()))]));
    }
    ++stream;
  }
  return trials;
}

void check(const SweepOptions& options, const ConfigSource& from) {
  for (const auto& [key, value] : {std::pair{"/config", options.config}, {"/output", options.output}})
    if (value.empty()) from.fail_at(key, "missing, expected a path");
  if (!options.parameters.is_object() || options.parameters.empty())
    from.fail_at("/parameters", R"(missing, expected an object: {"optimizer.lr": [0.01, 0.1], ...})");
  for (const auto& [key, values] : options.parameters.items()) {
    const std::string pointer = child_pointer("/parameters", key);
    if (key == "output") from.fail_at(pointer, "each trial has an output folder of its own; set another key");
    if (!(values.is_array() && !values.empty()) && !values.is_object())
      from.fail_value(pointer, values, R"(a list of values, or {"min": a, "max": b})");
  }
  const bool random = options.method == SweepOptions::Method::random;
  if (random && !options.trials) from.fail_at("/trials", "missing, expected how many trials are drawn");
  if (!random && options.trials)
    from.fail_value("/trials", *options.trials, "no such key, since \"grid\" tries every combination");
}

}  // namespace

SweepPlan parse_sweep(std::string_view text, const std::string& source) {
  const Json json = parse_config_json(text, source);
  const ConfigSource from{source, {}};
  SweepPlan plan;
  ObjectReader keys(json, "", from);
  visit_keys(keys, plan.options);
  keys.finish();
  check(plan.options, from);
  plan.trials =
      plan.options.method == SweepOptions::Method::grid ? grid(plan.options, from) : draws(plan.options, from);
  return plan;
}

SweepPlan read_sweep(const std::string& path) { return parse_sweep(read_config_text(path), path); }

}  // namespace tandem
