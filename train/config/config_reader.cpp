#include "train/config/config_reader.h"

#include <algorithm>
#include <cctype>

#include "core/base/error.h"
#include "train/control/time_limit.h"

namespace tandem {
namespace {

/// How many insertions, deletions, substitutions and swaps of neighbours turn a into b (optimal string alignment).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      const std::size_t differ = a[i - 1] == b[j - 1] ? 0 : 1;
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + differ});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

/// The known key that was probably meant, or nothing if none is near.
std::string_view nearest_key(std::string_view key, const std::vector<std::string_view>& known) {
  constexpr std::size_t kLongest = 64;  // No key is as long; the cost of a distance is the product of the lengths.
  std::string lower(key.substr(0, kLongest));
  std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return std::tolower(c); });
  std::string_view nearest;
  std::size_t smallest = 1 + lower.size() / 3;
  for (const std::string_view candidate : known) {
    const std::size_t distance = edit_distance(lower, candidate);
    if (distance > smallest || (distance == smallest && !nearest.empty()) || distance >= candidate.size()) continue;
    smallest = distance;
    nearest = candidate;
  }
  return nearest;
}

/// Collects where in the whole config there is a key.
class KeySearch {
 public:
  explicit KeySearch(std::string_view key) : key_(key) { visit_keys(*this, defaults_); }

  /// "/data/train/list or /data/eval/list", or nothing.
  std::string places() const { return fmt::format("{}", fmt::join(places_, " or ")); }

  template <class T>
  void operator()(const char* key, const T& value, const Range& = {}) {
    if constexpr (IsOptional<T>::value) {
      (*this)(key, typename T::value_type{});
    } else {
      const std::string pointer = child_pointer(pointer_, key);
      if (key == key_) places_.push_back(pointer);
      if constexpr (requires { visit_keys(*this, value); }) {
        const std::string above = std::exchange(pointer_, pointer);
        visit_keys(*this, value);
        pointer_ = above;
      }
    }
  }
  void number_or(const char*, const char* key, const std::optional<double>& value, const Range&) {
    (*this)(key, value);
  }
  void duration(const char* key, const std::optional<double>& minutes) { (*this)(key, minutes); }
  template <class T>
  void one_or_more(const char* key, const std::vector<T>& values) {
    (*this)(key, values.front());
  }

 private:
  const Config defaults_;
  std::string_view key_;
  std::string pointer_;
  std::vector<std::string> places_;
};

/// " did you mean this?" for a key that is not among `known`: the same key elsewhere, or the nearest here.
std::string suggestion(std::string_view key, const std::vector<std::string_view>& known) {
  if (const std::string elsewhere = KeySearch(key).places(); !elsewhere.empty())
    return fmt::format(" did you mean {}?", elsewhere);
  const std::string_view nearest = nearest_key(key, known);
  return nearest.empty() ? "" : fmt::format(" did you mean \"{}\"?", nearest);
}

/// A value as JSON, short enough for an error's line.
std::string shown(const nlohmann::json& json) {
  constexpr std::size_t kLongest = 60;
  std::string text = json.dump();
  if (text.size() > kLongest) {
    std::size_t end = kLongest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // Not within a UTF-8 sequence.
    text.resize(end);
    text += "...";
  }
  return text;
}

}  // namespace

void ConfigSource::fail_at(const std::string& pointer, const std::string& message) const {
  const std::string where = pointer.empty() ? "the whole config" : pointer;
  // The last override that set the value, or something within or around it, is where it came from.
  for (auto set = overrides.rbegin(); set != overrides.rend(); ++set)
    if ((pointer + "/").starts_with(set->pointer + "/") || (set->pointer + "/").starts_with(pointer + "/"))
      fail_input("--set {}: {}: {}", set->text, where, message);
  fail_input("{}: {}: {}", name, where, message);
}

void ConfigSource::fail_value(const std::string& pointer, const nlohmann::json& got,
                              const std::string& expected) const {
  fail_at(pointer, fmt::format("got {}, expected {}", shown(got), expected));
}

std::string child_pointer(const std::string& pointer, std::string_view key) {
  std::string child = pointer + "/";
  for (const char c : key) {
    if (c == '~') {
      child += "~0";
    } else if (c == '/') {
      child += "~1";
    } else {
      child += c;
    }
  }
  return child;
}

std::string to_string(const Range& range) {
  std::string text;
  if (std::isfinite(range.low)) text = fmt::format("{} {}", range.without_low ? "above" : "at least", range.low);
  if (std::isfinite(range.high))
    text += fmt::format("{}{} {}", text.empty() ? "" : " and ", range.without_high ? "below" : "at most", range.high);
  return text.empty() ? text : ", " + text;
}

ObjectReader::ObjectReader(const nlohmann::json& json, std::string pointer, const ConfigSource& source)
    : json_(json), pointer_(std::move(pointer)), source_(source) {
  if (!json.is_object()) source.fail_value(pointer_, json, "an object: {\"key\": value, ...}");
}

const nlohmann::json* ObjectReader::ask(const char* key) {
  known_.emplace_back(key);
  const auto found = json_.find(key);
  return found == json_.end() ? nullptr : &*found;
}

void ObjectReader::number_or(const char* word, const char* key, std::optional<double>& value, const Range& range) {
  const nlohmann::json* json = ask(key);
  if (json == nullptr) return;
  if (json->is_string() && json->get_ref<const std::string&>() == word) {
    value.reset();
  } else if (!json->is_number()) {
    source_.fail_value(child_pointer(pointer_, key), *json,
                       fmt::format("a number{}, or \"{}\"", to_string(range), word));
  } else {
    read_number(*json, child_pointer(pointer_, key), value.emplace(), range);
  }
}

void ObjectReader::duration(const char* key, std::optional<double>& minutes) {
  const nlohmann::json* json = ask(key);
  if (json == nullptr) return;
  minutes.reset();
  if (json->is_null()) return;
  if (json->is_string()) minutes = parse_minutes(json->get_ref<const std::string&>());
  if (json->is_number() && json->get<double>() > 0) minutes = json->get<double>();
  if (!minutes || *minutes > 1e9)
    source_.fail_value(child_pointer(pointer_, key), *json,
                       R"(minutes, a number above 0 and at most 1e+09, or a text such as "2h30m", "1d", "45s")");
}

void ObjectReader::finish() const {
  for (const auto& [key, value] : json_.items()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    source_.fail_at(child_pointer(pointer_, key),
                    fmt::format("unknown key;{} known keys: {}", suggestion(key, known_), fmt::join(known_, ", ")));
  }
}

void ObjectReader::read_number(const nlohmann::json& json, const std::string& pointer, double& value,
                               const Range& range) const {
  if (!json.is_number() || !range.holds(json.get<double>()))
    source_.fail_value(pointer, json, "a number" + to_string(range));
  value = json.get<double>();
}

void ObjectReader::read_string(const nlohmann::json& json, const std::string& pointer, std::string& value) const {
  // A path with a NUL would be cut short by the system's calls.
  if (!json.is_string() || json.get_ref<const std::string&>().empty() ||
      json.get_ref<const std::string&>().find('\0') != std::string::npos)
    source_.fail_value(pointer, json, "a string, not empty");
  value = json.get<std::string>();
}

}  // namespace tandem
