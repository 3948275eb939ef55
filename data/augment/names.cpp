// What augmentations are called.

#include <cmath>

#include "core/base/error.h"
#include "data/augment/plan.h"

namespace tandem::augment {
namespace {

std::string name(const Identity&) { return "as it is"; }
std::string name(const VerticalFlip&) { return "upside down"; }
std::string name(const Perspective&) { return "perspective"; }
std::string name(const Brightness& s) { return fmt::format("brightness {:.2f}", s.factor); }
std::string name(const Contrast& s) { return fmt::format("contrast {:.2f}", s.factor); }
std::string name(const Saturation& s) { return fmt::format("saturation {:.2f}", s.factor); }
std::string name(const Hue& s) { return fmt::format("hue {:+.2f}", s.turns); }
std::string name(const Grayscale&) { return "grey"; }
std::string name(const Posterize& s) { return fmt::format("posterize {} bits", s.bits); }
std::string name(const Solarize& s) { return fmt::format("solarize {:.0f}", s.threshold); }
std::string name(const Equalize&) { return "equalize"; }
std::string name(const Autocontrast&) { return "autocontrast"; }
std::string name(const Invert&) { return "invert"; }
std::string name(const Sharpness& s) { return fmt::format("sharpness {:.2f}", s.factor); }
std::string name(const GaussianBlur& s) { return fmt::format("blur {:.2f}", s.sigma); }
std::string name(const Jpeg& s) { return fmt::format("JPEG {}", s.quality); }
std::string name(const Erase& s) { return fmt::format("erase {}x{}", s.part.width, s.part.height); }

std::string name(const Move& s) {
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : " ") + part; };
  const Movement& m = s.movement;
  if (m.angle != 0) add(fmt::format("rotate {:+.1f}", m.angle));
  if (m.translate[0] != 0 || m.translate[1] != 0)
    add(fmt::format("move {:+.0f} {:+.0f}", m.translate[0], m.translate[1]));
  if (m.scale != 1) add(fmt::format("scale {:.2f}", m.scale));
  if (m.shear[0] != 0 || m.shear[1] != 0) add(fmt::format("shear {:+.1f} {:+.1f}", m.shear[0], m.shear[1]));
  return text.empty() ? "as it is" : text;
}

std::string name(const AugMix& s) {
  std::string text = fmt::format("mix {:.2f} as it is", s.own);
  for (std::size_t i = 0; i < s.chains.size(); ++i)
    text += fmt::format(" + {:.2f} ({})", s.weights[i], to_string(s.chains[i]));
  return text;
}

/// "3", "[0.35, 1]", "nearest"; without a word for what has no value.
template <class T>
std::string text_of(const T& value) {
  if constexpr (std::is_enum_v<T>) {
    return std::string(enum_name(value));
  } else if constexpr (requires { value.has_value(); }) {
    return value ? text_of(*value) : "null";
  } else if constexpr (requires { value.size(); }) {
    std::string text;
    for (const auto& element : value) text += (text.empty() ? "" : ", ") + text_of(element);
    return "[" + text + "]";
  } else {
    return fmt::format("{}", value);
  }
}

/// The keys of an option and their values, without brackets.
struct ValueWriter {
  std::string text;

  template <class T>
  void operator()(const char* key, const T& value, const Range& = {}) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", key, text_of(value));
  }
};

/// Called with the key and the value of each option.
struct OptionWriter {
  std::string text;

  void add(const std::string& part) { text += (text.empty() ? "" : ", ") + part; }

  template <class Options>
  void operator()(const char* key, const std::optional<Options>& options, const Range& = {}) {
    if (!options) return;
    if constexpr (requires(ValueWriter & writer) { visit_keys(writer, *options); }) {
      ValueWriter values;
      visit_keys(values, *options);
      add(fmt::format("{} ({})", key, values.text));
    } else {
      add(fmt::format("{} {}", key, text_of(*options)));
    }
  }
  void operator()(const char* key, double p, const Range&) {
    if (p > 0) add(fmt::format("{} {}", key, p));
  }
  void operator()(const char* key, bool on) {
    if (on) add(key);
  }
  void operator()(const char* key, const std::array<double, 2>& range, const Range&) {
    if (range != AugmentOptions().crop_ratio) add(fmt::format("{} {}", key, text_of(range)));
  }
};

}  // namespace

std::string to_string(const Step& step) {
  return std::visit([](const auto& s) { return name(s); }, step);
}

std::string to_string(const Plan& plan) {
  std::string text;
  for (const Step& step : plan) text += (text.empty() ? "" : ", ") + to_string(step);
  return text;
}

std::string describe(const AugmentOptions& options) {
  OptionWriter writer;
  visit_keys(writer, options);
  return writer.text.empty() ? "none" : writer.text;
}

}  // namespace tandem::augment
