#pragma once
// Shapes as signed distance functions (SDFs): the distance from a point to the shape's edge, negative inside. They
// compose: the union of two shapes is the smaller of their distances, and so on. x grows to the right, y downwards.
//
// Every function changes by at most about the distance walked, which the painter relies on. Formulas: Inigo Quilez,
// "2D distance functions".

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <initializer_list>

namespace tandem::synth {

struct Vec2 {
  float x = 0;
  float y = 0;
};

inline Vec2 operator+(Vec2 a, Vec2 b) { return {a.x + b.x, a.y + b.y}; }
inline Vec2 operator-(Vec2 a, Vec2 b) { return {a.x - b.x, a.y - b.y}; }
inline Vec2 operator*(Vec2 a, float s) { return {a.x * s, a.y * s}; }
inline float dot(Vec2 a, Vec2 b) { return a.x * b.x + a.y * b.y; }
inline float length(Vec2 a) { return std::sqrt(dot(a, a)); }
/// Turned clockwise (y grows downwards) by an angle in radians.
inline Vec2 rotate(Vec2 a, float angle) {
  const float c = std::cos(angle);
  const float s = std::sin(angle);
  return {c * a.x - s * a.y, s * a.x + c * a.y};
}

namespace sdf {

inline float circle(Vec2 p, Vec2 center, float radius) { return length(p - center) - radius; }

/// A box with corners rounded by `radius`; `half` is half its width and height, rounding included.
inline float box(Vec2 p, Vec2 center, Vec2 half, float radius = 0) {
  const Vec2 q{std::abs(p.x - center.x) - half.x + radius, std::abs(p.y - center.y) - half.y + radius};
  return length({std::max(q.x, 0.0F), std::max(q.y, 0.0F)}) + std::min(std::max(q.x, q.y), 0.0F) - radius;
}

/// A segment with round ends.
inline float capsule(Vec2 p, Vec2 a, Vec2 b, float radius) {
  const Vec2 along = b - a;
  const float t = std::clamp(dot(p - a, along) / dot(along, along), 0.0F, 1.0F);
  return length(p - a - along * t) - radius;
}

/// Exact on the edge, approximate elsewhere.
inline float ellipse(Vec2 p, Vec2 center, Vec2 radii) {
  const Vec2 q = p - center;
  const float k0 = length({q.x / radii.x, q.y / radii.y});
  const float k1 = length({q.x / (radii.x * radii.x), q.y / (radii.y * radii.y)});
  return k1 > 0 ? k0 * (k0 - 1) / k1 : -std::min(radii.x, radii.y);
}

/// A closed polygon; its corners in either direction.
inline float polygon(Vec2 p, std::initializer_list<Vec2> corners) {
  const Vec2* corner = corners.begin();
  const std::size_t n = corners.size();
  float nearest = dot(p - corner[0], p - corner[0]);
  bool inside = false;
  for (std::size_t i = 0, j = n - 1; i < n; j = i++) {
    const Vec2 edge = corner[j] - corner[i];
    const Vec2 w = p - corner[i];
    const Vec2 off = w - edge * std::clamp(dot(w, edge) / dot(edge, edge), 0.0F, 1.0F);
    nearest = std::min(nearest, dot(off, off));
    const bool crosses = (corner[i].y > p.y) != (corner[j].y > p.y);
    if (crosses && p.x < edge.x * (p.y - corner[i].y) / edge.y + corner[i].x) inside = !inside;
  }
  return inside ? -std::sqrt(nearest) : std::sqrt(nearest);
}

/// Upright, symmetric: half its width at the top and at the bottom.
inline float trapezoid(Vec2 p, float top, float bottom, float half_top, float half_bottom) {
  return polygon(p, {{-half_top, top}, {half_top, top}, {half_bottom, bottom}, {-half_bottom, bottom}});
}

inline float join(float a, float b) { return std::min(a, b); }
inline float overlap(float a, float b) { return std::max(a, b); }
/// `a` without `b`.
inline float cut(float a, float b) { return std::max(a, -b); }
/// Union whose inner corners are filled up to a radius of about `k`.
inline float smooth_join(float a, float b, float k) {
  const float h = std::max(k - std::abs(a - b), 0.0F) / k;
  return std::min(a, b) - h * h * k / 4;
}
/// The shape grown by `radius`, which rounds its corners.
inline float rounded(float d, float radius) { return d - radius; }
/// A line along the edge.
inline float outline(float d, float half_thickness) { return std::abs(d) - half_thickness; }
/// All above a height.
inline float above(Vec2 p, float y) { return p.y - y; }

}  // namespace sdf
}  // namespace tandem::synth
