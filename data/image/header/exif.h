#pragma once
// The one thing of a photo's EXIF and XMP data that changes its pixels.

#include <optional>

#include "data/image/header/bytes.h"

namespace tandem {

/// The orientation, 1 to 8, that the first directory of an EXIF block has: a TIFF structure of either byte order, which
/// "Exif" and zeros may precede; the value may be of any integer type. None if there is none, or none that makes sense.
std::optional<int> exif_orientation(Bytes block);

/// The orientation, 1 to 8, that an XMP packet has as the attribute or element tiff:Orientation. Counts, as in Pillow,
/// where EXIF data has none.
std::optional<int> xmp_orientation(Bytes packet);

}  // namespace tandem
