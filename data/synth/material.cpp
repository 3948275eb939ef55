#include "data/synth/material.h"

#include <cmath>
#include <cstdint>
#include <numbers>

namespace tandem::synth {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;

/// A number in 0 to 1 for each point of the integer grid.
float grid_noise(int x, int y) {
  std::uint32_t h = static_cast<std::uint32_t>(x) * 0x8DA6B343U ^ static_cast<std::uint32_t>(y) * 0xD8163841U;
  h = (h ^ h >> 15) * 0x2C1B3C6DU;
  h = (h ^ h >> 12) * 0x297A2D39U;
  return static_cast<float>((h ^ h >> 15) >> 8) * 0x1p-24F;
}

float smooth(float t) { return t * t * (3 - 2 * t); }

/// A wave of -1 to 1 with flat tops and steep but smooth flanks.
float square_wave(float phase) { return std::clamp(3 * std::sin(2 * kPi * phase), -1.0F, 1.0F); }

}  // namespace

float difference(Color a, Color b) { return std::abs(a.r - b.r) + std::abs(a.g - b.g) + std::abs(a.b - b.b); }

Color random_color(Random& random) {
  const float hue = random.uniform(0, 6);
  const float saturation = random.uniform(0.05F, 0.85F);
  const float value = random.uniform(0.2F, 0.97F);
  const auto channel = [&](float offset) {
    const float k = std::fmod(hue + offset, 6.0F);
    return value * (1 - saturation * std::clamp(std::min(k, 4 - k), 0.0F, 1.0F));
  };
  return {channel(5), channel(3), channel(1)};
}

Material random_material(Random& random) {
  Material material;
  material.base = random_color(random);
  material.accent = mix(material.base, random_color(random), random.uniform(0.3F, 0.9F));
  // Plain is the most frequent surface of a product.
  constexpr Pattern kPatterns[] = {Pattern::plain,  Pattern::plain, Pattern::plain, Pattern::stripes,
                                   Pattern::checks, Pattern::dots,  Pattern::grain, Pattern::grain};
  material.pattern = kPatterns[random.below(8)];
  material.period = random.uniform(0.18F, 0.5F);
  material.angle = random.uniform(0, kPi);
  material.phase = {random.uniform(-50, 50), random.uniform(-50, 50)};
  material.relief = random.uniform(0.15F, 0.5F);
  return material;
}

Material print(Color color) {
  Material material;
  material.base = color;
  material.relief = 0;
  material.lift = 0;
  return material;
}

Color color_at(const Material& material, Vec2 p) {
  if (material.pattern == Pattern::plain) return material.base;
  const Vec2 q = rotate(p, material.angle) * (1 / material.period) + material.phase;
  float t = 0;
  switch (material.pattern) {
    case Pattern::stripes:
      t = 0.5F + 0.5F * square_wave(q.x);
      break;
    case Pattern::checks:
      t = 0.5F + 0.5F * square_wave(q.x) * square_wave(q.y);
      break;
    case Pattern::dots:
      t = std::clamp(3.0F * (0.32F - length({q.x - std::round(q.x), q.y - std::round(q.y)})) / 0.32F, 0.0F, 1.0F);
      break;
    case Pattern::grain:
      t = 0.6F * value_noise(q) + 0.4F * value_noise(q * 3.1F);
      break;
    case Pattern::plain:
      break;
  }
  return mix(material.base, material.accent, t);
}

float value_noise(Vec2 p) {
  const auto x = static_cast<int>(std::floor(p.x));
  const auto y = static_cast<int>(std::floor(p.y));
  const float u = smooth(p.x - std::floor(p.x));
  const float v = smooth(p.y - std::floor(p.y));
  const float top = std::lerp(grid_noise(x, y), grid_noise(x + 1, y), u);
  const float bottom = std::lerp(grid_noise(x, y + 1), grid_noise(x + 1, y + 1), u);
  return std::lerp(top, bottom, v);
}

}  // namespace tandem::synth
