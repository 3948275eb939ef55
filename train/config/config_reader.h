#pragma once
// Fills a typed struct from a JSON object, strictly: what is unknown, ill-typed or out of range is an InputError with
// the JSON pointer, what it got, and what it expected.

#include <array>
#include <concepts>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "train/config/config_keys.h"

namespace tandem {

/// Where a config's values come from, to say so in errors.
struct ConfigSource {
  struct Override {
    std::string text;     ///< "optimizer.lr=0.1"
    std::string pointer;  ///< "/optimizer/lr"
  };

  std::string name;
  std::vector<Override> overrides;

  /// Throws InputError "name: pointer: message", or "--set text: pointer: message" for a value that was set so.
  [[noreturn]] void fail_at(const std::string& pointer, const std::string& message) const;
  /// fail_at with "got ..., expected ...".
  [[noreturn]] void fail_value(const std::string& pointer, const nlohmann::json& got,
                               const std::string& expected) const;
};

/// "/a/b" for the key b of the object at "/a", escaped as RFC 6901 says.
std::string child_pointer(const std::string& pointer, std::string_view key);

/// " (at least 0 and below 1)", or nothing for the range of all numbers.
std::string to_string(const Range& range);

/// Reads the keys of one object, each by one call, then reports those nobody asked for.
class ObjectReader {
 public:
  /// InputError unless `json` is an object. Keeps references to `json` and `source`.
  ObjectReader(const nlohmann::json& json, std::string pointer, const ConfigSource& source);

  /// Reads `key` into `value`, which keeps what it holds if there is no such key.
  template <class T>
  void operator()(const char* key, T& value, const Range& range = {}) {
    if (const nlohmann::json* json = ask(key)) read(*json, child_pointer(pointer_, key), value, range);
  }

  /// A number, or `word`, which `value` holds as nothing.
  void number_or(const char* word, const char* key, std::optional<double>& value, const Range& range);

  /// Minutes above 0, as a number or as "2h30m" (train/control/time_limit.h), or null, which `value` holds as nothing.
  void duration(const char* key, std::optional<double>& minutes);

  /// A list of elements, or a single one in its place.
  template <class T>
  void one_or_more(const char* key, std::vector<T>& values) {
    const nlohmann::json* json = ask(key);
    if (json == nullptr) return;
    const std::string pointer = child_pointer(pointer_, key);
    if (json->is_array() && json->empty()) source_.fail_value(pointer, *json, "at least one");
    if (json->is_array()) {
      read(*json, pointer, values, {});
    } else {
      values.assign(1, {});
      read(*json, pointer, values.front(), {});
    }
  }

  /// InputError for a key that was not asked for, with the one that was probably meant.
  void finish() const;

 private:
  /// The value of `key`, or null; notes that the key is known.
  const nlohmann::json* ask(const char* key);

  template <class T>
  void read(const nlohmann::json& json, const std::string& pointer, T& value, const Range& range) const;
  template <class T>
  void read_integer(const nlohmann::json& json, const std::string& pointer, T& value, const Range& range) const;
  template <class E>
  void read_enum(const nlohmann::json& json, const std::string& pointer, E& value) const;
  template <class List>
  void read_elements(const nlohmann::json& json, const std::string& pointer, List& value, const Range& range) const;
  void read_number(const nlohmann::json& json, const std::string& pointer, double& value, const Range& range) const;
  void read_string(const nlohmann::json& json, const std::string& pointer, std::string& value) const;

  const nlohmann::json& json_;
  std::string pointer_;
  const ConfigSource& source_;
  std::vector<std::string_view> known_;
};

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};

template <class T>
void ObjectReader::read(const nlohmann::json& json, const std::string& pointer, T& value, const Range& range) const {
  if constexpr (IsOptional<T>::value) {
    if (json.is_null()) {
      value.reset();
    } else {
      read(json, pointer, value.emplace(), range);
    }
  } else if constexpr (std::same_as<T, nlohmann::json>) {
    value = json;
  } else if constexpr (std::same_as<T, bool>) {
    if (!json.is_boolean()) source_.fail_value(pointer, json, "true or false");
    value = json.get<bool>();
  } else if constexpr (std::integral<T>) {
    read_integer(json, pointer, value, range);
  } else if constexpr (std::same_as<T, double>) {
    read_number(json, pointer, value, range);
  } else if constexpr (std::same_as<T, std::string>) {
    read_string(json, pointer, value);
  } else if constexpr (std::is_enum_v<T>) {
    read_enum(json, pointer, value);
  } else if constexpr (IsVector<T>::value) {
    if (!json.is_array()) source_.fail_value(pointer, json, "a list");
    value.assign(json.size(), {});
    read_elements(json, pointer, value, range);
  } else if constexpr (requires { std::tuple_size<T>::value; }) {
    constexpr std::size_t size = std::tuple_size_v<T>;
    if (!json.is_array() || json.size() != size)
      source_.fail_value(pointer, json, "a list of " + std::to_string(size) + " numbers");
    read_elements(json, pointer, value, range);
  } else {
    if constexpr (std::same_as<T, SourceConfig>) {
      if (json.is_string()) return read_string(json, pointer, value.list);
    }
    if (std::same_as<T, SourceConfig> && !json.is_object())
      source_.fail_value(pointer, json,
                         R"(an object: {"list": "an image list, or a folder with one folder per class"})");
    ObjectReader keys(json, pointer, source_);
    visit_keys(keys, value);
    keys.finish();
  }
}

template <class T>
void ObjectReader::read_integer(const nlohmann::json& json, const std::string& pointer, T& value,
                                const Range& range) const {
  const bool fits = json.is_number_unsigned()  ? std::in_range<T>(json.get<std::uint64_t>())
                    : json.is_number_integer() ? std::in_range<T>(json.get<std::int64_t>())
                                               : false;
  if (!fits || !range.holds(json.get<double>()))
    source_.fail_value(pointer, json,
                       (std::is_unsigned_v<T> ? "an integer from 0 to 2^64 - 1" : "an integer") + to_string(range));
  value = json.get<T>();
}

template <class E>
void ObjectReader::read_enum(const nlohmann::json& json, const std::string& pointer, E& value) const {
  if (json.is_string())
    for (const auto& [known, name] : enum_names(E{}))
      if (json.get_ref<const std::string&>() == name) {
        value = known;
        return;
      }
  source_.fail_value(pointer, json, (enum_names(E{}).size() > 1 ? "one of " : "") + known_names<E>());
}

template <class List>
void ObjectReader::read_elements(const nlohmann::json& json, const std::string& pointer, List& value,
                                 const Range& range) const {
  for (std::size_t i = 0; i < value.size(); ++i)
    read(json[i], child_pointer(pointer, std::to_string(i)), value[i], range);
}

}  // namespace tandem
