#pragma once
// Ops that spoil a part of the picture's information.

#include <optional>

#include "core/base/rng.h"
#include "data/augment/augment_options.h"
#include "data/augment/ops/square.h"
#include "data/image/image.h"

namespace tandem::augment {

/// Paints a part in one colour or, without one, gives each channel of each pixel a number of `noise`, uniform in 0 ..
/// 255.
void erase(const Square& image, const Part& part, const std::optional<Fill>& value, Random noise);

/// What is left of the picture after it was stored as a JPEG file of this quality, 1 to 100, with halved colour
/// resolution.
void degrade_jpeg(const Square& image, int quality);

}  // namespace tandem::augment
