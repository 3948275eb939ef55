#pragma once
// The categories of the synthetic data set: product-like objects that differ in silhouette. Their colours, patterns and
// proportions are random and say nothing about the category.

#include <span>

#include "core/base/rng.h"
#include "data/synth/material.h"
#include "data/synth/painter.h"

namespace tandem::synth {

/// What an object's parts are made of.
struct Style {
  Material main;
  Material second;
  Material detail;  // print
};

struct Product {
  const char* name;
  /// Paints one, about 2 units wide or high around the origin, upright.
  void (*paint)(Painter& painter, const Style& style, Random& random);
};

/// All products, in the order of their names.
std::span<const Product> products();

}  // namespace tandem::synth
