#pragma once
// Caffe's message Datum, in Protocol Buffers' encoding: an image and its label.
//
//   1 channels, 2 height, 3 width, 5 label: int32;  4 data: bytes;  6 float_data: floats;  7 encoded: bool
//
// Read without its data, which lies before the label: so a database of many gigabytes is indexed by reading a few bytes
// of each image. Raw data is planes of the channels blue, green, red, as convert_imageset writes them.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "data/source/format/data_file.h"
#include "data/source/packed_source.h"

namespace tandem {

struct Datum {
  Planes planes{0, 0, 0, true};  ///< of raw data
  std::int32_t label = 0;
  bool encoded = false;                ///< the data is an image file
  std::uint64_t begin = 0, bytes = 0;  ///< the data's place in the file
};

/// The message at a place of a file. InputError, beginning with `title`, if it is damaged, if it holds floats, or if it
/// is raw and its size is not that of its pixels.
Datum read_datum(const DataFile& file, std::uint64_t begin, std::uint64_t bytes, const std::string& title);

/// A message of an image file, and of pixels: grey ones with one channel.
std::vector<std::uint8_t> encoded_datum(std::span<const std::uint8_t> file, std::int32_t label);
std::vector<std::uint8_t> raw_datum(const Image& image, std::int32_t label);

}  // namespace tandem
