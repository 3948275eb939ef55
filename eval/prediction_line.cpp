#include "eval/prediction_line.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/base/error.h"

namespace tandem {
namespace {

using Json = nlohmann::ordered_json;

// Names of files and classes need not be UTF-8; what is not is replaced rather than refused.
std::string quoted(const std::string& text) { return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace); }

// Six digits: more would be noise.
std::string guess(const std::string& label, double probability) {
  return fmt::format(R"("label":{},"probability":{:.6g})", quoted(label), probability);
}

/// The classes, the most probable first.
std::vector<std::size_t> ranking(std::span<const double> probabilities) {
  std::vector<std::size_t> order(probabilities.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return probabilities[a] > probabilities[b]; });
  return order;
}

/// The most probable class and, with top ≥ 1, the list of the first ones.
std::string labels(std::span<const double> probabilities, const std::vector<std::string>& classes, int top) {
  const std::vector<std::size_t> order = ranking(probabilities);
  std::string text = guess(classes[order[0]], probabilities[order[0]]);
  for (std::size_t i = 0; i < std::min(order.size(), static_cast<std::size_t>(top)); ++i)
    text += fmt::format(R"({}{{{}}})", i == 0 ? R"(,"top":[)" : ",", guess(classes[order[i]], probabilities[order[i]]));
  return top > 0 ? text + "]" : text;
}

}  // namespace

std::vector<double> softmax(std::span<const float> logits) {
  const auto finite = [](float z) { return std::isfinite(z); };
  require(!logits.empty() && std::all_of(logits.begin(), logits.end(), finite),
          "the network's output is not a finite number");
  const auto top = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
  std::vector<double> p;
  for (const float z : logits) p.push_back(std::exp(static_cast<double>(z) - top));
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& one : p) one /= sum;
  return p;
}

std::string prediction_line(const std::string& image, std::span<const double> probabilities,
                            const std::vector<std::string>& classes, int top, const NamedVector& vector) {
  require(probabilities.size() == classes.size(), "prediction: got {} probabilities, expected {}", probabilities.size(),
          classes.size());
  std::string line = fmt::format(R"({{"image":{})", quoted(image));
  if (!classes.empty()) line += fmt::format(",{}", labels(probabilities, classes, top));
  if (!vector.name.empty()) {
    for (const float value : vector.values)
      require(std::isfinite(value), "a component of the {} is not a finite number", vector.name);
    line += fmt::format(R"(,{}:[{}])", quoted(vector.name), fmt::join(vector.values, ","));
  }
  return line + "}\n";
}

std::string error_line(const std::string& image, const std::string& error) {
  return fmt::format(R"({{"image":{},"error":{}}})", quoted(image), quoted(error)) + "\n";
}

}  // namespace tandem
