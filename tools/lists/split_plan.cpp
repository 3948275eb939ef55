#include "tools/lists/split_plan.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <set>

#include "core/base/error.h"
#include "core/base/rng.h"
#include "data/list/class_names.h"

namespace tandem::tools {
namespace {

/// Images that stay together, and how many of each class they are.
struct Unit {
  std::vector<std::size_t> images;
  std::map<std::size_t, double> classes;
};

std::vector<Unit> units_of(const std::vector<std::size_t>& labels,
                           const std::vector<std::vector<std::size_t>>& groups) {
  std::vector<Unit> units;
  std::vector<bool> grouped(labels.size());
  for (const std::vector<std::size_t>& group : groups) {
    units.push_back({group, {}});
    for (const std::size_t i : group) grouped[i] = true;
  }
  for (std::size_t i = 0; i < labels.size(); ++i)
    if (!grouped[i]) units.push_back({{i}, {}});
  for (Unit& unit : units)
    for (const std::size_t i : unit.images) ++unit.classes[labels[i]];
  return units;
}

/// By how many images each part exceeds its share: of each class, and in all.
class Balance {
 public:
  Balance(const std::vector<std::size_t>& labels, const std::vector<double>& shares)
      : classes_(shares.size()), all_(shares.size()) {
    std::size_t classes = 0;
    for (const std::size_t label : labels) classes = std::max(classes, label + 1);
    for (std::size_t p = 0; p < shares.size(); ++p) {
      classes_[p].resize(classes);
      for (const std::size_t label : labels) classes_[p][label] -= shares[p];
      all_[p] = -shares[p] * static_cast<double>(labels.size());
    }
  }
  void put(const Unit& unit, std::size_t part, double sign) {
    for (const auto& [label, images] : unit.classes) classes_[part][label] += sign * images;
    all_[part] += sign * static_cast<double>(unit.images.size());
  }
  /// By how much the sum of squares grows when the unit is put into a part.
  double cost(const Unit& unit, std::size_t part) const {
    const auto growth = [](double excess, double images) { return images * (2 * excess + images); };
    double sum = growth(all_[part], static_cast<double>(unit.images.size()));
    for (const auto& [label, images] : unit.classes) sum += growth(classes_[part][label], images);
    return sum;
  }
  std::size_t cheapest(const Unit& unit) const {
    std::size_t best = 0;
    for (std::size_t p = 1; p < all_.size(); ++p)
      if (cost(unit, p) < cost(unit, best) - 1e-9) best = p;
    return best;
  }

 private:
  std::vector<std::vector<double>> classes_;  // (parts, classes)
  std::vector<double> all_;
};

}  // namespace

std::vector<PartShare> parse_parts(const std::string& text) {
  constexpr const char* kExpected = "expected NAME=SHARE,NAME=SHARE,..., as in train=0.8,val=0.1,test=0.1";
  std::vector<PartShare> parts;
  std::set<std::string> names = {"classes"};  // classes.txt is another file
  double sum = 0;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(',', at), text.size());
    const std::string part = text.substr(at, end - at);
    at = end + 1;
    const std::size_t equals = part.find('=');
    if (equals == std::string::npos) fail_input("--parts: {} has no share: {}", in_quotes(part), kExpected);
    const std::string name = part.substr(0, equals), number = part.substr(equals + 1);
    double share = 0;
    const auto [stopped, error] = std::from_chars(number.data(), number.data() + number.size(), share);
    if (error != std::errc() || stopped != number.data() + number.size() || !(share > 0 && share < 1))
      fail_input("--parts: {} is no share: expected a number between 0 and 1", in_quotes(number));
    if (name.empty() ||
        name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-") != std::string::npos)
      fail_input("--parts: {} is no name for a list: expected letters, digits, _ and -", in_quotes(name));
    if (!names.insert(name).second)
      fail_input("--parts: {} cannot name a part: expected names that differ, and not \"classes\"", in_quotes(name));
    sum += share;
    parts.push_back({name, share});
  }
  if (parts.size() < 2) fail_input("--parts: one part: {}", kExpected);
  if (std::abs(sum - 1) > 1e-6) fail_input("--parts: the shares sum to {:.6g}: expected 1", sum);
  return parts;
}

std::vector<std::size_t> plan_split(const std::vector<std::size_t>& labels,
                                    const std::vector<std::vector<std::size_t>>& groups,
                                    const std::vector<double>& shares, std::uint64_t seed) {
  constexpr int kMostRounds = 50;
  const std::vector<Unit> units = units_of(labels, groups);
  std::vector<std::uint32_t> order =
      permutation(static_cast<std::uint32_t>(units.size()), Random(seed, RandomPurpose::split));
  std::stable_sort(order.begin(), order.end(),
                   [&](std::uint32_t a, std::uint32_t b) { return units[a].images.size() > units[b].images.size(); });
  Balance balance(labels, shares);
  std::vector<std::size_t> part_of(units.size());
  for (const std::uint32_t u : order) {
    part_of[u] = balance.cheapest(units[u]);
    balance.put(units[u], part_of[u], 1);
  }
  bool moved = true;
  for (int round = 0; moved && round < kMostRounds; ++round) {
    moved = false;
    for (const std::uint32_t u : order) {
      balance.put(units[u], part_of[u], -1);
      const std::size_t best = balance.cheapest(units[u]);
      if (balance.cost(units[u], best) < balance.cost(units[u], part_of[u]) - 1e-9) {
        part_of[u] = best;
        moved = true;
      }
      balance.put(units[u], part_of[u], 1);
    }
  }
  std::vector<std::size_t> plan(labels.size());
  for (std::size_t u = 0; u < units.size(); ++u)
    for (const std::size_t i : units[u].images) plan[i] = part_of[u];
  return plan;
}

}  // namespace tandem::tools
