#pragma once
// Colours and surfaces.

#include "core/base/rng.h"
#include "data/synth/sdf.h"

namespace tandem::synth {

/// Red, green, blue, each 0 to 1.
struct Color {
  float r = 0;
  float g = 0;
  float b = 0;
};

inline Color operator*(Color a, float s) { return {a.r * s, a.g * s, a.b * s}; }
inline Color mix(Color a, Color b, float t) {
  return {a.r + (b.r - a.r) * t, a.g + (b.g - a.g) * t, a.b + (b.b - a.b) * t};
}
float difference(Color a, Color b);
/// Any hue; saturation and brightness neither extreme.
Color random_color(Random& random);

enum class Pattern { plain, stripes, checks, dots, grain };

/// What a shape is made of.
struct Material {
  Color base;
  Color accent;  // the pattern's
  Pattern pattern = Pattern::plain;
  float period = 0.3F;  // of the pattern
  float angle = 0;
  Vec2 phase;
  float relief = 0.35F;  // how strongly its rounded edges catch the light
  float lift = 1;        // how far it stands off what lies below, that is, its shadow; 0 for print
};

/// A colour and pattern at random.
Material random_material(Random& random);
/// Print on a surface: one colour, no relief, no shadow.
Material print(Color color);
Color color_at(const Material& material, Vec2 p);

/// Smooth noise in 0 to 1 with about one bump a unit.
float value_noise(Vec2 p);

}  // namespace tandem::synth
