#pragma once
// What is read of a photo's EXIF and XMP data: the orientation, which changes its pixels, and the camera.

#include <optional>
#include <string>

#include "data/image/header/bytes.h"

namespace tandem {

/// The orientation, 1 to 8, that the first directory of an EXIF block has: a TIFF structure of either byte order, which
/// "Exif" and zeros may precede; the value may be of any integer type. None if there is none, or none that makes sense.
std::optional<int> exif_orientation(Bytes block);

/// The camera that an EXIF block names, maker and model: "Apple iPhone 12", "Canon EOS 5D" (whose model has the maker's
/// name already). Empty if there is none. Characters that are not printable ASCII become "?".
std::string exif_camera(Bytes block);

/// The orientation, 1 to 8, that an XMP packet has as the attribute or element tiff:Orientation. Counts, as in Pillow,
/// where EXIF data has none.
std::optional<int> xmp_orientation(Bytes packet);

}  // namespace tandem
