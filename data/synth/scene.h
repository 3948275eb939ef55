#pragma once
// A picture of one product: background, clutter, the object in some pose, something in front of it, light, noise.

#include "core/base/rng.h"
#include "data/image/image.h"
#include "data/synth/products.h"

namespace tandem::synth {

/// Paints a picture of size x size pixels: a pure function of its arguments. But for the noise, another size gives the
/// same picture.
Image paint_scene(const Product& product, int size, Random random);

}  // namespace tandem::synth
