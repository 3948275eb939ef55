// WebP and BMP by OpenCV.

#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>

#include <iostream>
#include <memory>
#include <mutex>
#include <new>
#include <streambuf>
#include <utility>

#include "data/image/codec/codec.h"

namespace tandem {
namespace {

/// Whether this thread is decoding: then what it writes to std::cerr is OpenCV's, which tells there, past its log, of
/// errors that it does not throw on.
thread_local bool decoding = false;

struct DecodingScope {
  DecodingScope() { decoding = true; }
  ~DecodingScope() { decoding = false; }
  DecodingScope(const DecodingScope&) = delete;
  DecodingScope& operator=(const DecodingScope&) = delete;
};

/// In front of the buffer of std::cerr. It holds nothing itself, so that threads do not meet in it.
class Gate final : public std::streambuf {
 public:
  explicit Gate(std::streambuf& behind) : behind_(behind) {}

 private:
  int_type overflow(int_type c) override {
    if (decoding || traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    return behind_.sputc(traits_type::to_char_type(c));
  }
  std::streamsize xsputn(const char* text, std::streamsize length) override {
    return decoding ? length : behind_.sputn(text, length);
  }
  int sync() override { return decoding ? 0 : behind_.pubsync(); }

  std::streambuf& behind_;
};

/// OpenCV's settings are the process's: no threads of its own (a loader decodes several images at once), no log. The
/// gate stays until the process ends: others may be writing.
void set_up_opencv() {
  static std::once_flag once;
  std::call_once(once, [] {
    cv::setNumThreads(0);
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
    static auto* const kGate = new Gate(*std::cerr.rdbuf());
    std::cerr.rdbuf(kGate);
  });
}

/// Decodes into the image's own memory. False if the library does not.
bool decode_into(Image& image, std::span<const std::uint8_t> file, int channels) {
  // Mat has no view of const data; imdecode does not write to it.
  const cv::Mat input(1, static_cast<int>(file.size()), CV_8U, const_cast<std::uint8_t*>(file.data()));
  cv::Mat pixels(image.height, image.width, CV_8UC(channels), image.pixels.data());
  const int flags = channels == 4 ? cv::IMREAD_UNCHANGED : cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION;
  const DecodingScope scope;
  try {
    cv::imdecode(input, flags, &pixels);
  } catch (const cv::Exception& e) {
    if (e.code == cv::Error::StsNoMem) throw std::bad_alloc();
    return false;
  }
  return pixels.data == image.pixels.data();  // else it found another size or type
}

/// Throws std::bad_alloc if that much memory is not to be had: the library does not say why it failed.
void require_memory(std::size_t bytes) { (void)std::unique_ptr<std::uint8_t[]>(new std::uint8_t[bytes]); }

}  // namespace

const char* codec_formats() { return "JPEG, PNG, BMP or WebP"; }

Decoded decode_other(std::span<const std::uint8_t> file, const ImageHeader& header) {
  constexpr std::size_t kWorkingMemory = std::size_t{16} << 20;
  set_up_opencv();
  const bool alpha = header.alpha;
  const auto pixels = static_cast<std::size_t>(header.height) * static_cast<std::size_t>(header.width);
  Decoded result;
  Image& image = result.image;
  image = {static_cast<int>(header.height), static_cast<int>(header.width),
           std::vector<std::uint8_t>(pixels * (alpha ? 4 : 3))};
  if (!decode_into(image, file, alpha ? 4 : 3)) {
    require_memory(pixels * 4 + kWorkingMemory);
    return {{}, "its pixels cannot be decoded"};
  }
  const std::size_t step = alpha ? 4 : 3;
  for (std::size_t i = 0; i < image.pixels.size(); i += step) std::swap(image.pixels[i], image.pixels[i + 2]);
  if (alpha) lay_on_white(image);
  return result;
}

}  // namespace tandem
