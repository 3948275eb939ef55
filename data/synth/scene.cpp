#include "data/synth/scene.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>

namespace tandem::synth {
namespace {

constexpr float kPi = std::numbers::pi_v<float>;

/// A studio's light backdrop: nearly white, a little darker towards the bottom. Returns its colour.
Color paint_backdrop(Canvas& canvas, Random& random) {
  const Color light = mix({0.97F, 0.97F, 0.97F}, random_color(random), random.uniform(0, 0.12F));
  const float shade = random.uniform(0, 0.15F);
  for (int y = 0; y < canvas.size; ++y)
    for (int x = 0; x < canvas.size; ++x)
      canvas.at(x, y) = light * (1 - shade * static_cast<float>(y) / static_cast<float>(canvas.size));
  return light;
}

/// A gradient, soft blotches, a pattern, or a table in front of a wall. Returns its main colour.
Color paint_background(Canvas& canvas, Random& random) {
  const Color first = random_color(random);
  const Color second = mix(first, random_color(random), random.uniform(0.2F, 0.8F));
  const std::uint32_t kind = random.below(4);
  const float angle = random.uniform(0, 2 * kPi);
  const float period = random.uniform(0.1F, 0.4F);
  const float horizon = random.uniform(0.5F, 0.8F);
  const Vec2 shift{random.uniform(0, 100), random.uniform(0, 100)};
  Material pattern = random_material(random);
  pattern.base = first;
  pattern.accent = mix(first, second, 0.6F);
  for (int y = 0; y < canvas.size; ++y)
    for (int x = 0; x < canvas.size; ++x) {
      // The picture is the unit square.
      const Vec2 p = Vec2{static_cast<float>(x), static_cast<float>(y)} * (1 / static_cast<float>(canvas.size));
      float t = 0;
      if (kind == 0) t = 0.5F + rotate(p - Vec2{0.5F, 0.5F}, angle).x;
      if (kind == 1) t = value_noise(p * (1 / period) + shift);
      if (kind == 3) t = p.y > horizon ? 1 - 0.3F * (p.y - horizon) : 0.3F * p.y;
      canvas.at(x, y) = kind == 2 ? color_at(pattern, p * 2) : mix(first, second, std::clamp(t, 0.0F, 1.0F));
    }
  return first;
}

/// Paints a simple shape, the size of `pose`'s unit.
void paint_blob(Canvas& canvas, const Pose& pose, Vec2 to_light, const Material& material, Random& random) {
  Painter painter(canvas, pose, to_light);
  const float stretch = random.uniform(0.3F, 1);
  switch (random.below(3)) {
    case 0:
      return painter.fill(material, [=](Vec2 p) { return sdf::ellipse(p, {}, {1, stretch}); });
    case 1:
      return painter.fill(material, [=](Vec2 p) { return sdf::box(p, {}, {1, stretch}, 0.1F); });
    default:
      return painter.fill(material, [=](Vec2 p) { return sdf::capsule(p, {-1, 0}, {1, 0}, 0.3F * stretch); });
  }
}

/// Up to four small things that lie around, towards the border.
void paint_clutter(Canvas& canvas, Vec2 to_light, Color background, Random& random) {
  const auto size = static_cast<float>(canvas.size);
  for (std::uint32_t n = random.below(5); n > 0; --n) {
    const Vec2 middle{size / 2, size / 2};
    const Vec2 center = middle + rotate({size * random.uniform(0.38F, 0.62F), 0}, random.uniform(0, 2 * kPi));
    const Pose pose{center, size * random.uniform(0.05F, 0.16F), random.uniform(0, 2 * kPi)};
    Material material = random_material(random);
    material.base = mix(material.base, background, 0.4F);
    paint_blob(canvas, pose, to_light, material, random);
  }
}

/// In two pictures of five, something covers the object's rim.
void paint_occluder(Canvas& canvas, const Pose& object, Vec2 to_light, Random& random) {
  if (random.uniform() > 0.4F) return;
  const Vec2 center =
      object.center + rotate({object.scale * random.uniform(0.55F, 0.95F), 0}, random.uniform(0, 2 * kPi));
  const Pose pose{center, object.scale * random.uniform(0.2F, 0.36F), random.uniform(0, 2 * kPi)};
  const Material material = random_material(random);
  paint_blob(canvas, pose, to_light, material, random);
}

Style random_style(Color background, Random& random) {
  Style style;
  constexpr float kVisible = 0.45F;
  do style.main = random_material(random);
  while (difference(style.main.base, background) < kVisible);
  do style.second = random_material(random);
  while (difference(style.second.base, background) < kVisible);
  const float grey = random.below(2) == 0 ? random.uniform(0.05F, 0.2F) : random.uniform(0.85F, 0.97F);
  style.detail = print({grey, grey, grey});
  return style;
}

/// Uneven, tinted light and the camera's noise, then 8 bits.
Image expose(const Canvas& canvas, Random& random) {
  const Vec2 slope = rotate({random.uniform(0, 0.4F), 0}, random.uniform(0, 2 * kPi));
  const float brightness = random.uniform(0.75F, 1.1F);
  const Color tint{random.uniform(0.9F, 1.08F), 1, random.uniform(0.9F, 1.08F)};
  const float noise = random.uniform(0.005F, 0.035F);
  Image image{canvas.size, canvas.size, {}};
  image.pixels.reserve(canvas.pixels.size() * 3);
  const float pixel = 1 / static_cast<float>(canvas.size);
  for (int y = 0; y < canvas.size; ++y)
    for (int x = 0; x < canvas.size; ++x) {
      const Vec2 p{static_cast<float>(x) * pixel - 0.5F, static_cast<float>(y) * pixel - 0.5F};
      const Color color = canvas.at(x, y) * (brightness * (1 + dot(slope, p)));
      for (const float value : {color.r * tint.r, color.g * tint.g, color.b * tint.b}) {
        const float noisy = std::clamp(value + noise * random.normal(), 0.0F, 1.0F);
        image.pixels.push_back(static_cast<std::uint8_t>(std::lround(255 * noisy)));
      }
    }
  return image;
}

}  // namespace

Image paint_scene(const Product& product, int size, Random random) {
  Canvas canvas(size);
  const Vec2 to_light = rotate({random.uniform(0.3F, 1), 0}, random.uniform(0, 2 * kPi));
  // As among real product photos, most are taken before a plain backdrop, and some where the thing is used.
  const bool studio = random.below(4) != 0;
  const Color background = studio ? paint_backdrop(canvas, random) : paint_background(canvas, random);
  if (!studio) paint_clutter(canvas, to_light, background, random);

  const auto side = static_cast<float>(size);
  const Vec2 center{side * random.uniform(0.42F, 0.58F), side * random.uniform(0.42F, 0.58F)};
  const Pose pose{center, side * random.uniform(0.3F, 0.46F), random.uniform(-0.4F, 0.4F), random.below(2) == 1};
  Painter painter(canvas, pose, to_light);
  const Style style = random_style(background, random);
  product.paint(painter, style, random);

  paint_occluder(canvas, pose, to_light, random);
  return expose(canvas, random);
}

}  // namespace tandem::synth
