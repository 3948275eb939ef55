#include "data/synth/products.h"

#include <array>
#include <cmath>
#include <numbers>

// Proportions are drawn once an object, before its parts: a shape is called for every pixel.

namespace tandem::synth {
namespace {

using sdf::above;
using sdf::box;
using sdf::capsule;
using sdf::circle;
using sdf::cut;
using sdf::ellipse;
using sdf::join;
using sdf::outline;
using sdf::overlap;
using sdf::polygon;
using sdf::rounded;
using sdf::smooth_join;
using sdf::trapezoid;

/// A darker or lighter shade of a material, for a part of the same stuff.
Material shaded(Material material, float brightness) {
  material.base = material.base * brightness;
  material.accent = material.accent * brightness;
  return material;
}

void paint_bag(Painter& painter, const Style& style, Random& random) {
  const float width = random.uniform(0.62F, 0.85F);
  const float top = random.uniform(-0.3F, -0.05F);
  const float reach = random.uniform(0.35F, 0.48F);  // the handle's half width
  const float height = random.uniform(0.5F, 0.75F);  // the handle's
  painter.fill(style.second, [=](Vec2 p) {
    return overlap(outline(ellipse(p, {0, top}, {reach, height}), 0.06F), above(p, top + 0.15F));
  });
  painter.fill(style.main, [=](Vec2 p) { return rounded(trapezoid(p, top, 0.75F, width - 0.15F, width), 0.07F); });
  painter.fill(shaded(style.main, 0.8F),
               [=](Vec2 p) { return rounded(trapezoid(p, top, top + 0.28F, width - 0.15F, width - 0.3F), 0.06F); });
  painter.fill(style.second, [=](Vec2 p) { return box(p, {0, top + 0.32F}, {0.1F, 0.08F}, 0.03F); });
}

void paint_ball(Painter& painter, const Style& style, Random& random) {
  const float radius = random.uniform(0.75F, 0.92F);
  const float bend = random.uniform(0.55F, 0.8F);
  const auto ball = [=](Vec2 p) { return circle(p, {}, radius); };
  painter.fill(style.main, ball);
  painter.fill(style.detail, [=](Vec2 p) {
    const float left = outline(circle(p, {-radius - bend + 0.35F, 0}, bend), 0.03F);
    const float right = outline(circle(p, {radius + bend - 0.35F, 0}, bend), 0.03F);
    const float middle = std::abs(p.y) - 0.03F;
    return overlap(join(join(left, right), middle), ball(p));
  });
}

void paint_book(Painter& painter, const Style& style, Random& random) {
  const float width = random.uniform(0.5F, 0.68F);
  const float thickness = random.uniform(0.1F, 0.2F);
  const Material paper = [] {
    Material material = print({0.93F, 0.91F, 0.84F});
    material.lift = 0.5F;
    return material;
  }();
  // The back cover and the pages show below and to the right of the front cover.
  painter.fill(shaded(style.main, 0.7F), [=](Vec2 p) {
    return box(p, {thickness, thickness}, {width + 0.02F, 0.84F}, 0.03F);
  });
  painter.fill(paper, [=](Vec2 p) {
    return polygon(p, {{-width, 0.8F},
                       {thickness - width, 0.8F + thickness},
                       {thickness + width, 0.8F + thickness},
                       {thickness + width, thickness - 0.78F},
                       {width, -0.8F}});
  });
  painter.fill(style.main, [=](Vec2 p) { return box(p, {}, {width, 0.83F}, 0.03F); });
  painter.fill(shaded(style.second, 0.9F), [=](Vec2 p) { return box(p, {-width + 0.08F, 0}, {0.08F, 0.83F}, 0.02F); });
  painter.fill(style.detail, [=](Vec2 p) {
    return join(box(p, {0.1F, -0.45F}, {width * 0.55F, 0.07F}), box(p, {0.1F, -0.22F}, {width * 0.4F, 0.04F}));
  });
}

void paint_bottle(Painter& painter, const Style& style, Random& random) {
  const float width = random.uniform(0.26F, 0.38F);
  const float shoulder = random.uniform(-0.35F, -0.05F);
  const float neck = random.uniform(0.09F, 0.14F);
  painter.fill(style.main, [=](Vec2 p) {
    const float body = box(p, {0, (shoulder + 0.95F) / 2}, {width, (0.95F - shoulder) / 2}, 0.1F);
    return smooth_join(body, box(p, {0, -0.5F}, {neck, 0.4F}), 0.3F);
  });
  painter.fill(style.second, [=](Vec2 p) { return box(p, {0, -0.88F}, {neck + 0.03F, 0.1F}, 0.03F); });
  painter.fill(shaded(style.detail, 1), [=](Vec2 p) { return box(p, {0, 0.4F}, {width - 0.02F, 0.25F}); });
  painter.fill(print(style.second.base), [=](Vec2 p) { return circle(p, {0, 0.4F}, 0.14F); });
}

void paint_chair(Painter& painter, const Style& style, Random& random) {
  const float seat = random.uniform(0.0F, 0.2F);
  const float leg = random.uniform(0.05F, 0.08F);
  const float lean = random.uniform(0.0F, 0.15F);
  const Material far = shaded(style.second, 0.65F);
  painter.fill(far, [=](Vec2 p) { return capsule(p, {-0.25F, seat}, {-0.22F, 0.8F}, leg); });
  painter.fill(far, [=](Vec2 p) { return capsule(p, {0.6F, seat}, {0.68F, 0.8F}, leg); });
  painter.fill(style.main, [=](Vec2 p) {  // the back
    const Vec2 a{-0.52F - lean, -0.92F};
    const Vec2 b{-0.1F - lean, -0.8F};
    return rounded(polygon(p, {a, b, {-0.12F, seat - 0.05F}, {-0.5F, seat}}), 0.05F);
  });
  painter.fill(shaded(style.main, 1.12F), [=](Vec2 p) {  // the seat
    return rounded(polygon(p, {{-0.5F, seat}, {-0.1F, seat - 0.14F}, {0.66F, seat - 0.08F}, {0.5F, seat + 0.1F}}),
                   0.06F);
  });
  painter.fill(style.second, [=](Vec2 p) { return capsule(p, {-0.48F, seat + 0.08F}, {-0.55F, 0.92F}, leg); });
  painter.fill(style.second, [=](Vec2 p) { return capsule(p, {0.42F, seat + 0.14F}, {0.45F, 0.95F}, leg); });
}

void paint_headphones(Painter& painter, const Style& style, Random& random) {
  const float radius = random.uniform(0.62F, 0.75F);
  const float band = random.uniform(0.06F, 0.11F);
  const float cup = random.uniform(0.3F, 0.42F);
  painter.fill(style.second, [=](Vec2 p) {
    const float arc = overlap(outline(circle(p, {}, radius), band), above(p, 0.05F));
    const float sides = box({std::abs(p.x), p.y}, {radius, 0.2F}, {band, 0.2F});
    return join(arc, sides);
  });
  painter.fill(shaded(style.main, 0.6F), [=](Vec2 p) {
    return box({std::abs(p.x), p.y}, {radius - 0.1F, 0.45F}, {0.12F, cup - 0.04F}, 0.08F);
  });
  painter.fill(style.main, [=](Vec2 p) { return ellipse({std::abs(p.x), p.y}, {radius + 0.1F, 0.45F}, {0.17F, cup}); });
}

void paint_lamp(Painter& painter, const Style& style, Random& random) {
  const float shade_top = random.uniform(0.2F, 0.38F);
  const float shade_bottom = random.uniform(0.55F, 0.75F);
  const float shade_end = random.uniform(-0.25F, 0.0F);
  const float foot = random.uniform(0.3F, 0.45F);
  painter.fill(style.second, [=](Vec2 p) { return capsule(p, {0, -0.5F}, {0, 0.85F}, 0.055F); });
  painter.fill(style.second, [=](Vec2 p) { return overlap(ellipse(p, {0, 0.92F}, {foot, 0.22F}), above(p, 0.92F)); });
  painter.fill(style.main,
               [=](Vec2 p) { return rounded(trapezoid(p, -0.88F, shade_end, shade_top, shade_bottom), 0.04F); });
  painter.fill(style.detail, [=](Vec2 p) { return box(p, {0, shade_end}, {shade_bottom - 0.01F, 0.035F}); });
}

void paint_mug(Painter& painter, const Style& style, Random& random) {
  const float width = random.uniform(0.45F, 0.58F);
  const float height = random.uniform(0.55F, 0.75F);
  const float grip = random.uniform(0.26F, 0.36F);
  painter.fill(shaded(style.main, 0.9F), [=](Vec2 p) {
    return outline(ellipse(p, {width - 0.15F, 0.05F}, {grip + 0.12F, grip + 0.05F}), 0.075F);
  });
  painter.fill(style.main, [=](Vec2 p) {
    return join(box(p, {-0.15F, 0.08F}, {width, height}, 0.12F), ellipse(p, {-0.15F, 0.08F - height}, {width, 0.15F}));
  });
  painter.fill(print(style.main.base * 0.35F), [=](Vec2 p) {
    return ellipse(p, {-0.15F, 0.08F - height}, {width - 0.07F, 0.1F});
  });
}

void paint_phone(Painter& painter, const Style& style, Random& random) {
  const float width = random.uniform(0.4F, 0.5F);
  const float corner = random.uniform(0.08F, 0.15F);
  const float frame = random.uniform(0.04F, 0.08F);
  painter.fill(shaded(style.second, 0.45F), [=](Vec2 p) { return box(p, {}, {width, 0.92F}, corner); });
  Material screen = style.main;
  screen.relief = 0;
  screen.lift = 0;
  painter.fill(screen, [=](Vec2 p) { return box(p, {}, {width - frame, 0.92F - 2 * frame}, corner - frame / 2); });
  painter.fill(style.detail, [=](Vec2 p) {  // icons
    const Vec2 cell{std::abs(p.x), std::abs(p.y - 0.1F)};
    return join(box(cell, {width * 0.4F, 0.18F}, {0.08F, 0.08F}, 0.03F),
                box(cell, {width * 0.4F, 0.5F}, {0.08F, 0.08F}, 0.03F));
  });
  painter.fill(print({0.03F, 0.03F, 0.04F}), [=](Vec2 p) { return box(p, {0, -0.78F}, {0.16F, 0.05F}, 0.05F); });
}

void paint_shirt(Painter& painter, const Style& style, Random& random) {
  const float width = random.uniform(0.44F, 0.56F);
  const float sleeve = random.uniform(0.85F, 1.0F);
  const float cuff = random.uniform(-0.25F, -0.05F);
  const float collar = random.uniform(0.17F, 0.25F);
  const auto shirt = [=](Vec2 p) {
    const Vec2 q{std::abs(p.x), p.y};  // symmetric: the right half is enough
    const float torso = box(q, {0, 0.1F}, {width, 0.8F}, 0.05F);
    const float arm = polygon(q, {{0.2F, -0.75F},
                                  {width, -0.7F},
                                  {sleeve, cuff},
                                  {sleeve - 0.27F, cuff + 0.17F},
                                  {width - 0.03F, -0.15F},
                                  {0.2F, -0.15F}});
    return cut(rounded(join(torso, arm), 0.03F), ellipse(p, {0, -0.74F}, {collar, 0.17F}));
  };
  painter.fill(style.main, shirt);
  painter.fill(print(style.second.base), [=](Vec2 p) {
    return overlap(outline(ellipse(p, {0, -0.74F}, {collar, 0.17F}), 0.06F), shirt(p));
  });
  const float side = random.uniform(-0.2F, 0.2F);
  painter.fill(style.detail, [=](Vec2 p) { return circle(p, {side, -0.1F}, 0.13F); });
}

void paint_shoe(Painter& painter, const Style& style, Random& random) {
  const float ankle = random.uniform(-0.55F, -0.3F);
  const float toe = random.uniform(0.12F, 0.24F);  // how low the toe is
  const float sole = random.uniform(0.07F, 0.13F);
  const auto upper = [=](Vec2 p) {
    return rounded(polygon(p, {{-0.82F, ankle},
                               {-0.7F, 0.36F},
                               {0.8F, 0.36F},
                               {0.85F, toe + 0.1F},
                               {0.55F, toe},
                               {0.1F, ankle + 0.32F},
                               {-0.18F, ankle},
                               {-0.5F, ankle + 0.1F}}),
                   0.07F);
  };
  painter.fill(style.main, upper);
  painter.fill(shaded(style.second, 0.95F), [=](Vec2 p) {
    return overlap(circle(p, {0.92F, 0.42F}, 0.34F), upper(p));
  });
  painter.fill(style.second, [=](Vec2 p) { return box(p, {0.03F, 0.45F}, {0.95F, sole}, 0.06F); });
  painter.fill(style.detail, [=](Vec2 p) {  // laces
    float laces = 1;
    for (int i = 0; i < 3; ++i) {
      const Vec2 from{-0.08F + 0.16F * static_cast<float>(i), ankle + 0.12F + 0.12F * static_cast<float>(i)};
      laces = join(laces, capsule(p, from, from + Vec2{-0.13F, 0.2F}, 0.03F));
    }
    return laces;
  });
}

void paint_watch(Painter& painter, const Style& style, Random& random) {
  constexpr float kPi = std::numbers::pi_v<float>;
  const float radius = random.uniform(0.42F, 0.52F);
  const float strap = random.uniform(0.2F, 0.27F);
  const float hour = random.uniform(0, 2 * kPi);
  const float minute = random.uniform(0, 2 * kPi);
  painter.fill(style.main, [=](Vec2 p) {
    return trapezoid({p.x, -std::abs(p.y)}, -1, 0, strap - 0.05F, strap + 0.04F);
  });
  painter.fill(shaded(style.second, 0.8F), [=](Vec2 p) { return box(p, {radius, 0}, {0.09F, 0.06F}, 0.02F); });
  painter.fill(style.second, [=](Vec2 p) { return circle(p, {}, radius); });
  painter.fill(style.detail, [=](Vec2 p) { return circle(p, {}, radius - 0.08F); });
  const float brightness = style.detail.base.r + style.detail.base.g + style.detail.base.b;
  const Material ink = print(brightness > 1.5F ? Color{0.1F, 0.1F, 0.1F} : Color{0.95F, 0.95F, 0.95F});
  painter.fill(ink, [=](Vec2 p) {
    const float tick = std::round(std::atan2(p.y, p.x) * 6 / kPi) * kPi / 6;  // the nearest of twelve
    const float marks = circle(p, rotate({radius - 0.14F, 0}, tick), 0.028F);
    const float hands = join(capsule(p, {}, rotate({radius - 0.28F, 0}, hour), 0.035F),
                             capsule(p, {}, rotate({radius - 0.18F, 0}, minute), 0.025F));
    return join(marks, hands);
  });
}

constexpr std::array kProducts = {
    Product{"bag", paint_bag},       Product{"ball", paint_ball},   Product{"book", paint_book},
    Product{"bottle", paint_bottle}, Product{"chair", paint_chair}, Product{"headphones", paint_headphones},
    Product{"lamp", paint_lamp},     Product{"mug", paint_mug},     Product{"phone", paint_phone},
    Product{"shirt", paint_shirt},   Product{"shoe", paint_shoe},   Product{"watch", paint_watch},
};

}  // namespace

std::span<const Product> products() { return kProducts; }

}  // namespace tandem::synth
