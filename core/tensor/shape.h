#pragma once
// Shapes of up to four dimensions, kept inline. The letters used in comments throughout Tandem:
//
//   N images, H height, W width, C input channels, K output channels (filters or classes), R x S window,
//   P pairs, D embedding, G batch-norm groups, M rows (N*H*W)
//
// Activations are (N, H, W, C), convolution weights (K, R, S, C), matrices (rows, columns), all row-major.

#include <fmt/format.h>

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

namespace tandem {

class Shape {
 public:
  static constexpr int kMaxRank = 4;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims);

  int rank() const { return rank_; }
  std::int64_t operator[](int i) const { return dims_[static_cast<std::size_t>(i)]; }
  /// Number of elements: 1 for rank 0.
  std::int64_t size() const;
  /// The same shape with dimension 0 replaced.
  Shape with_rows(std::int64_t rows) const;
  bool operator==(const Shape&) const = default;

 private:
  std::array<std::int64_t, kMaxRank> dims_{};
  int rank_ = 0;
};

/// "(2, 7, 7, 64)".
std::string to_string(const Shape& shape);

}  // namespace tandem

template <>
struct fmt::formatter<tandem::Shape> : fmt::formatter<std::string> {
  template <class Context>
  auto format(const tandem::Shape& shape, Context& context) const {
    return fmt::formatter<std::string>::format(tandem::to_string(shape), context);
  }
};
