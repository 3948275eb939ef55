#pragma once
// Turning a picture upright.

#include "data/image/image.h"

namespace tandem {

/// Turns the pixels as EXIF's orientation, 1 to 8, asks for: 1 leaves them, 2 mirrors left and right, 3 turns by half,
/// 4 mirrors top and bottom, 5 exchanges rows and columns, 6 turns clockwise by a quarter, 7 exchanges rows and columns
/// from the other corner, 8 turns counterclockwise by a quarter. Works in place: no second picture in memory.
void turn_upright(Image& image, int orientation);

}  // namespace tandem
