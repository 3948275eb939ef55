#pragma once
// How a struct of options describes its keys, so that one list serves the reader, the writer and the documentation.
//
// A struct comes with a function  visit_keys(keys, options),  which calls  keys("name", field)  or
// keys("name", field, range)  for each of its fields. An enum comes with a function  enum_names(E).

#include <array>
#include <concepts>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>

#include "core/base/error.h"

namespace tandem {

/// The numbers a key accepts; of a list's elements, where the key holds a list.
struct Range {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
  bool without_low = false;
  bool without_high = false;

  bool holds(double x) const { return (without_low ? x > low : x >= low) && (without_high ? x < high : x <= high); }
};

template <class E>
struct EnumName {
  E value;
  std::string_view name;
};

/// T, const or not: the reader fills options, the writer only looks at them.
template <class T, class C>
concept Of = std::same_as<std::remove_const_t<T>, C>;

/// The name of an enumerator.
template <class E>
std::string_view enum_name(E value) {
  for (const auto& [known, name] : enum_names(E{}))
    if (known == value) return name;
  fail("an enumerator without a name: {}", static_cast<int>(value));
}

/// Every name of an enum, quoted: "sgd", "adam".
template <class E>
std::string known_names() {
  std::string names;
  for (const auto& [value, name] : enum_names(E{})) {
    if (!names.empty()) names += ", ";
    names.append("\"").append(name).append("\"");
  }
  return names;
}

}  // namespace tandem
