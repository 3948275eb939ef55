#pragma once
// What images are normalised with. Plain numbers, for nvcc too.

namespace tandem {

/// ImageNet's mean and standard deviation of red, green and blue, for pixels scaled to [0, 1] (torchvision's).
inline constexpr double kImageNetMean[3] = {0.485, 0.456, 0.406};
inline constexpr double kImageNetStd[3] = {0.229, 0.224, 0.225};

}  // namespace tandem
