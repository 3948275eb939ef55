#include <opencv2/core.hpp>
#include <opencv2/core/utils/logger.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include <mutex>

#include "core/error.h"
#include "data/codec.h"

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

}  // namespace

const char* codec_formats() { return "JPEG, PNG, BMP or WebP"; }

Image codec_decode(std::span<const std::uint8_t> file) {
  set_up_opencv();
  // Mat has no view of const data; imdecode does not write to it.
  const cv::Mat input(1, static_cast<int>(file.size()), CV_8U, const_cast<std::uint8_t*>(file.data()));
  Image image;
  try {
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
