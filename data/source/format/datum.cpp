#include "data/source/format/datum.h"

#include <algorithm>
#include <array>
#include <optional>

#include "core/base/error.h"

namespace tandem {
namespace {

enum Wire : std::uint8_t { varint = 0, fixed64 = 1, counted = 2, fixed32 = 5 };

/// Reads a message from a window of it that moves along.
class WireReader {
 public:
  WireReader(const DataFile& file, std::uint64_t begin, std::uint64_t bytes)
      : file_(file), at_(begin), end_(begin + bytes) {}

  bool ended() const { return at_ == end_; }
  std::uint64_t at() const { return at_; }
  bool skip(std::uint64_t bytes) {
    if (bytes > end_ - at_) return false;
    at_ += bytes;
    return true;
  }
  std::optional<std::uint64_t> number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto byte = next();
      if (!byte) return std::nullopt;
      value |= std::uint64_t{*byte & 0x7fU} << shift;
      if ((*byte & 0x80U) == 0) return value;
    }
    return std::nullopt;
  }

 private:
  std::optional<std::uint8_t> next() {
    if (at_ == end_) return std::nullopt;
    if (at_ < window_begin_ || at_ >= window_begin_ + window_size_) {
      window_begin_ = at_;
      window_size_ = static_cast<std::size_t>(std::min<std::uint64_t>(window_.size(), end_ - at_));
      if (!file_.try_read(at_, std::span(window_).first(window_size_))) return std::nullopt;
    }
    return window_[static_cast<std::size_t>(at_++ - window_begin_)];
  }

  const DataFile& file_;
  std::uint64_t at_, end_;
  std::uint64_t window_begin_ = 0;
  std::size_t window_size_ = 0;
  std::array<std::uint8_t, 64> window_{};
};

/// Reads one field; false if it is damaged. Sets `floats` for one of those.
bool read_field(WireReader& reader, Datum& datum, bool& floats) {
  const auto tag = reader.number();
  if (!tag) return false;
  const std::uint64_t field = *tag >> 3;
  floats = floats || field == 6;
  switch (*tag & 7) {
    case varint: {
      const auto value = reader.number();
      if (!value) return false;
      const auto integer = static_cast<std::int32_t>(*value);  // as a message's int32
      if (field == 1) datum.planes.channels = integer;
      if (field == 2) datum.planes.height = integer;
      if (field == 3) datum.planes.width = integer;
      if (field == 5) datum.label = integer;
      if (field == 7) datum.encoded = *value != 0;
      return field != 4 && field != 0;
    }
    case counted: {
      const auto size = reader.number();
      if (!size) return false;
      if (field == 4) {
        datum.begin = reader.at();
        datum.bytes = *size;
      }
      return reader.skip(*size) && (field == 4 || field >= 6);
    }
    case fixed64:
      return reader.skip(8) && field > 7;
    case fixed32:
      return reader.skip(4) && field >= 6;
    default:
      return false;
  }
}

class WireWriter {
 public:
  void number(unsigned field, std::uint64_t value) {
    bytes_.push_back(static_cast<std::uint8_t>(field << 3 | varint));
    append(value);
  }
  void data(unsigned field, std::span<const std::uint8_t> data) {
    bytes_.push_back(static_cast<std::uint8_t>(field << 3 | counted));
    append(data.size());
    bytes_.insert(bytes_.end(), data.begin(), data.end());
  }
  std::vector<std::uint8_t> take() { return std::move(bytes_); }

 private:
  void append(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) bytes_.push_back(static_cast<std::uint8_t>(value | 0x80U));
    bytes_.push_back(static_cast<std::uint8_t>(value));
  }

  std::vector<std::uint8_t> bytes_;
};

bool is_grey(const Image& image) {
  for (std::size_t i = 0; i < image.pixels.size(); i += 3)
    if (image.pixels[i] != image.pixels[i + 1] || image.pixels[i] != image.pixels[i + 2]) return false;
  return true;
}

}  // namespace

Datum read_datum(const DataFile& file, std::uint64_t begin, std::uint64_t bytes, const std::string& title) {
  WireReader reader(file, begin, bytes);
  Datum datum;
  bool floats = false;
  while (!reader.ended()) {
    const std::uint64_t at = reader.at();
    if (!read_field(reader, datum, floats)) fail_input("{}: damaged Datum, at byte {} of the file", title, at);
  }
  if (floats) fail_input("{}: a Datum of floats: expected bytes", title);
  if (datum.encoded || datum.bytes == 0) {
    if (datum.bytes == 0) fail_input("{}: a Datum without data", title);
    return datum;
  }
  const Planes& planes = datum.planes;
  const auto expected = planes.bytes();
  if (!expected)
    fail_input("{}: {} channels of {}x{} pixels: expected 1 or 3 channels, of 1 to 65535 pixels a side", title,
               planes.channels, planes.width, planes.height);
  if (datum.bytes != *expected)
    fail_input("{}: {} bytes of pixels: expected {}, for {} channels of {}x{}", title, datum.bytes, *expected,
               planes.channels, planes.width, planes.height);
  return datum;
}

std::vector<std::uint8_t> encoded_datum(std::span<const std::uint8_t> file, std::int32_t label) {
  WireWriter writer;
  writer.data(4, file);
  writer.number(5, static_cast<std::uint64_t>(label));
  writer.number(7, 1);
  return writer.take();
}

std::vector<std::uint8_t> raw_datum(const Image& image, std::int32_t label) {
  const std::size_t channels = is_grey(image) ? 1 : 3, pixels = image.pixels.size() / 3;
  std::vector<std::uint8_t> planes(channels * pixels);
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t p = 0; p < pixels; ++p) planes[c * pixels + p] = image.pixels[3 * p + 2 - c];
  WireWriter writer;
  writer.number(1, channels);
  writer.number(2, static_cast<std::uint64_t>(image.height));
  writer.number(3, static_cast<std::uint64_t>(image.width));
  writer.data(4, planes);
  writer.number(5, static_cast<std::uint64_t>(label));
  return writer.take();
}

}  // namespace tandem
