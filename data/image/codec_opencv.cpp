#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <algorithm>
#include <mutex>

#include "core/base/error.h"
#include "data/image/codec.h"

namespace tandem {
namespace {

/// OpenCV's settings are the process's: no threads of its own (a loader decodes several images at once), no log.
void set_up_opencv() {
  static std::once_flag once;
  std::call_once(once, [] {
    cv::setNumThreads(0);
    cv::utils::logging::setLogLevel(cv::utils::logging::LOG_LEVEL_SILENT);
  });
}

/// Decodes a file with alpha. No pixels if the library finds none in it: it ignores the one transparent colour of a PNG
/// file without an alpha channel.
Image decode_alpha(const cv::Mat& file) {
  cv::Mat bgra = cv::imdecode(file, cv::IMREAD_UNCHANGED);
  if (bgra.channels() != 4) return {};
  if (bgra.depth() == CV_16U) {
    // Cut off, not rounded, as the library does itself when asked for 8 bits.
    cv::Mat narrow(bgra.rows, bgra.cols, CV_8UC4);
    std::transform(bgra.begin<cv::Vec4w>(), bgra.end<cv::Vec4w>(), narrow.begin<cv::Vec4b>(),
                   [](const cv::Vec4w& v) { return cv::Vec4b(v[0] >> 8, v[1] >> 8, v[2] >> 8, v[3] >> 8); });
    bgra = narrow;
  }
  cv::Mat rgba;
  cv::cvtColor(bgra, rgba, cv::COLOR_BGRA2RGBA);
  return on_white(rgba.rows, rgba.cols, rgba.data);
}

}  // namespace

const char* codec_formats() { return "JPEG, PNG, BMP or WebP"; }

Image codec_decode(std::span<const std::uint8_t> file, bool alpha) {
  set_up_opencv();
  // Mat has no view of const data; imdecode does not write to it.
  const cv::Mat input(1, static_cast<int>(file.size()), CV_8U, const_cast<std::uint8_t*>(file.data()));
  Image image;
  try {
    if (alpha) image = decode_alpha(input);
    if (!image.pixels.empty()) return image;
    const cv::Mat bgr = cv::imdecode(input, cv::IMREAD_COLOR);
    if (bgr.empty()) return {};
    image = {bgr.rows, bgr.cols, std::vector<std::uint8_t>(bgr.total() * 3)};
    cv::Mat rgb(bgr.rows, bgr.cols, CV_8UC3, image.pixels.data());
    cv::cvtColor(bgr, rgb, cv::COLOR_BGR2RGB);
  } catch (const cv::Exception&) {
    return {};
  }
  return image;
}

std::vector<std::uint8_t> codec_encode_png(const Image& image) {
  set_up_opencv();
  std::vector<std::uint8_t> file;
  try {
    const cv::Mat rgb(image.height, image.width, CV_8UC3, const_cast<std::uint8_t*>(image.pixels.data()));
    cv::Mat bgr;
    cv::cvtColor(rgb, bgr, cv::COLOR_RGB2BGR);
    if (!cv::imencode(".png", bgr, file)) fail("cannot encode a PNG of {}x{} pixels", image.width, image.height);
  } catch (const cv::Exception& e) {
    fail("cannot encode a PNG of {}x{} pixels: {}", image.width, image.height, e.what());
  }
  return file;
}

}  // namespace tandem
