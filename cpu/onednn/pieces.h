#pragma once
// How convolutions and products are cut into pieces, each computed by one thread. It depends on the problem alone.

#include <algorithm>

#include "cpu/convolution/problem.h"

namespace tandem::cpu {

/// A convolution as pieces of some units: images, or rows of pixels where the window is a single pixel at stride 1.
/// Units follow each other in memory, so a piece's inputs and outputs are parts of the whole's. Of a weight gradient
/// every piece is a sum over its units, as large as the whole: there are few of them.
class ConvolutionPieces {
 public:
  explicit ConvolutionPieces(const ConvolutionProblem& problem);
  static ConvolutionPieces whole(const ConvolutionProblem& problem);

  std::int64_t count() const { return (units_ + units_per_piece_ - 1) / units_per_piece_; }
  std::int64_t units() const { return units_; }
  /// The piece's first unit.
  std::int64_t first(std::int64_t piece) const { return piece * units_per_piece_; }
  /// The piece as a problem of its own. All are alike but the last, which may be smaller.
  ConvolutionProblem part(std::int64_t piece) const;

 private:
  ConvolutionPieces(const ConvolutionProblem& problem, bool by_rows, std::int64_t units, std::int64_t units_per_piece)
      : problem_(problem), by_rows_(by_rows), units_(units), units_per_piece_(units_per_piece) {}

  ConvolutionProblem problem_;
  bool by_rows_;
  std::int64_t units_, units_per_piece_;
};

/// A product (rows, columns) as pieces of some rows, or of some columns where there are few rows.
class ProductPieces {
 public:
  ProductPieces(std::int64_t rows, std::int64_t columns);

  std::int64_t count() const { return (length_ + step_ - 1) / step_; }
  std::int64_t first_row(std::int64_t piece) const { return by_rows_ ? piece * step_ : 0; }
  std::int64_t first_column(std::int64_t piece) const { return by_rows_ ? 0 : piece * step_; }
  std::int64_t rows(std::int64_t piece) const { return by_rows_ ? size(piece) : other_; }
  std::int64_t columns(std::int64_t piece) const { return by_rows_ ? other_ : size(piece); }

 private:
  std::int64_t size(std::int64_t piece) const { return std::min(step_, length_ - piece * step_); }

  bool by_rows_;
  std::int64_t length_, other_, step_;
};

}  // namespace tandem::cpu
