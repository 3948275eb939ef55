#pragma once
// Paints shapes given by signed distance functions on a canvas: edges smooth to a fraction of a pixel, rounded towards
// the light, with a soft shadow on what lies below.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "data/synth/material.h"
#include "data/synth/sdf.h"

namespace tandem::synth {

/// A square picture, colours as floats.
struct Canvas {
  explicit Canvas(int side) : size(side), pixels(static_cast<std::size_t>(side) * static_cast<std::size_t>(side)) {}
  Color& at(int x, int y) { return pixels[index(x, y)]; }
  const Color& at(int x, int y) const { return pixels[index(x, y)]; }
  std::size_t index(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(size) + static_cast<std::size_t>(x);
  }
  int size;
  std::vector<Color> pixels;  // (size, size)
};

/// Where an object lies on the canvas.
struct Pose {
  Vec2 center;      // pixels
  float scale = 1;  // pixels a unit
  float angle = 0;  // radians, clockwise
  bool flip = false;

  Vec2 to_object(Vec2 pixel) const {
    Vec2 p = rotate(pixel - center, -angle) * (1 / scale);
    if (flip) p.x = -p.x;
    return p;
  }
};

class Painter {
 public:
  /// `to_light` is a direction on the canvas; its length is how low the light stands (0: overhead, 1: grazing).
  Painter(Canvas& canvas, const Pose& pose, Vec2 to_light) : canvas_(canvas), pose_(pose), to_light_(to_light) {}

  /// Paints a shape over what is there. `shape` is a signed distance function: float(Vec2), in the object's units.
  template <class Shape>
  void fill(const Material& material, Shape shape) {
    if (material.lift > 0) cast_shadow(material.lift, shape);
    const float bevel = 0.14F * pose_.scale;  // pixels over which an edge is rounded
    const auto distance = [&](Vec2 pixel) { return shape(pose_.to_object(pixel)) * pose_.scale; };
    for_each_pixel_near(distance, 1, [&](Color& color, Vec2 pixel, float d) {
      const float coverage = std::clamp(0.5F - d, 0.0F, 1.0F);
      if (coverage == 0) return;
      Color paint = color_at(material, pose_.to_object(pixel));
      if (material.relief > 0 && d > -bevel) {
        const Vec2 outwards{distance({pixel.x + 1, pixel.y}) - d, distance({pixel.x, pixel.y + 1}) - d};
        const float slope = std::min(1.0F, 1 + d / bevel);
        paint = paint * (1 + material.relief * slope * dot(outwards, to_light_));
      }
      color = mix(color, paint, coverage);
    });
  }

 private:
  template <class Shape>
  void cast_shadow(float lift, Shape shape) {
    constexpr float kDarkness = 0.4F;
    const Vec2 offset = to_light_ * (-0.12F * lift * pose_.scale);
    const float blur = std::max(1.0F, 0.12F * lift * pose_.scale);
    const auto distance = [&](Vec2 pixel) { return shape(pose_.to_object(pixel - offset)) * pose_.scale; };
    for_each_pixel_near(distance, blur, [&](Color& color, Vec2, float d) {
      const float t = std::clamp(0.5F - 0.5F * d / blur, 0.0F, 1.0F);
      color = color * (1 - kDarkness * t * t);
    });
  }

  /// Calls visit(color, pixel, distance) for the pixels nearer to a shape than `margin` pixels, and some more. A tile
  /// whose middle is far away lies outside as a whole: a distance changes by no more than the way walked.
  template <class Distance, class Visit>
  void for_each_pixel_near(Distance distance, float margin, Visit visit) {
    constexpr int kTile = 8;
    constexpr float kFar = 0.75F * kTile;  // from a tile's middle to its corner, and a little
    for (int top = 0; top < canvas_.size; top += kTile)
      for (int left = 0; left < canvas_.size; left += kTile) {
        const float half = 0.5F * kTile;
        if (distance({static_cast<float>(left) + half, static_cast<float>(top) + half}) > kFar + margin) continue;
        for (int y = top; y < std::min(top + kTile, canvas_.size); ++y)
          for (int x = left; x < std::min(left + kTile, canvas_.size); ++x) {
            const Vec2 pixel{static_cast<float>(x) + 0.5F, static_cast<float>(y) + 0.5F};
            visit(canvas_.at(x, y), pixel, distance(pixel));
          }
      }
  }

  Canvas& canvas_;
  Pose pose_;
  Vec2 to_light_;
};

}  // namespace tandem::synth
