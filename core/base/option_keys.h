#pragma once
// How a struct of options describes its keys, so that one list serves the reader, the writer and the documentation.
//
// A struct has a function  visit_keys(keys, options)  beside it, which calls  keys("name", field)  or
// keys("name", field, range)  for each of its fields. An enum has a function  enum_names(E)  beside it. Where the keys
// are not independent, a function  check_options(options, problems)  beside the struct says what does not go together.

#include <array>
#include <concepts>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

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

/// What is wrong with options of which each is within its range.
struct OptionProblem {
  std::string key;  ///< "/momentum", below these options; empty for the options together
  std::string
      expected;  ///< what was expected in the place of that key's value; for the options together, what is wrong
  bool default_only = false;  ///< the default was expected; `expected` says why
};
using OptionProblems = std::vector<OptionProblem>;

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

/// An option that the chosen type does not use must have its default.
template <class Value, class Type>
void check_unused(std::string key, const Value& value, const Value& unless, Type type, OptionProblems& problems) {
  if (value == unless) return;
  problems.push_back({std::move(key), fmt::format(", since \"{}\" does not use it", enum_name(type)), true});
}

}  // namespace tandem
