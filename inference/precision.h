#pragma once
// What activations and products are computed in.

#include <string_view>

#include "core/base/option_keys.h"

namespace tandem {

/// `automatic`: bf16 where the machine computes in it, else fp32.
enum class Precision { automatic, fp32, tf32, bf16, fp16, fp64 };

constexpr auto enum_names(Precision) {
  using enum Precision;
  return std::to_array<EnumName<Precision>>(
      {{automatic, "auto"}, {fp32, "fp32"}, {tf32, "tf32"}, {bf16, "bf16"}, {fp16, "fp16"}, {fp64, "fp64"}});
}

/// "fp32", "bf16", ...; `automatic` is "auto".
inline std::string_view to_string(Precision precision) { return enum_name(precision); }

/// The reverse. InputError, listing the known names, for any other word.
inline Precision parse_precision(std::string_view word) {
  for (const auto& [value, name] : enum_names(Precision{}))
    if (word == name) return value;
  fail_input("precision: got \"{}\", expected one of {}", word, known_names<Precision>());
}

}  // namespace tandem
