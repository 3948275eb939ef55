#include "cpu/onednn/pieces.h"

#include <algorithm>
#include <bit>

namespace tandem::cpu {
namespace {

std::int64_t quotient_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

/// How many pieces there should be for `pixels` of output: a power of two, which most numbers of threads share evenly.
std::int64_t wanted_pieces(const ConvolutionProblem& problem, std::int64_t pixels) {
  // A piece should take 0.1 ms or more, beside which handing it out costs little, and use its weights often enough.
  constexpr std::int64_t kOperations = 100'000'000, kLeastPixels = 64;
  const std::int64_t pixel = std::max<std::int64_t>(2 * problem.w.size(), 1);
  const std::int64_t least = std::max(quotient_up(kOperations, pixel), kLeastPixels);
  const auto rounded = [](std::int64_t n) {
    return static_cast<std::int64_t>(std::bit_ceil(static_cast<std::uint64_t>(n)));
  };
  if (problem.direction != Direction::grad_weight) return rounded(pixels / least);
  // Each piece writes its sums, which are then added up: as much time as some hundred pixels take.
  constexpr std::int64_t kPixelsForSums = 512, kMost = 8, kLeast = 2;
  return std::clamp(rounded(pixels / std::max(least, kPixelsForSums)), kLeast, kMost);
}

}  // namespace

ConvolutionPieces::ConvolutionPieces(const ConvolutionProblem& problem) : ConvolutionPieces(whole(problem)) {
  const Shape &x = problem.x, &w = problem.w;
  const std::int64_t height = problem.geometry.output(x[1], w[1]), width = problem.geometry.output(x[2], w[2]);
  const std::int64_t most = std::max<std::int64_t>(units_, 1);
  const std::int64_t pieces = std::clamp<std::int64_t>(wanted_pieces(problem, x[0] * height * width), 1, most);
  units_per_piece_ = quotient_up(most, pieces);
}

ConvolutionPieces ConvolutionPieces::whole(const ConvolutionProblem& problem) {
  const Shape &x = problem.x, &w = problem.w;
  const bool by_rows = w[1] == 1 && w[2] == 1 && problem.geometry == Conv2dGeometry{1, 0};
  const std::int64_t units = by_rows ? x[0] * x[1] : x[0];
  return {problem, by_rows, units, units};
}

ConvolutionProblem ConvolutionPieces::part(std::int64_t piece) const {
  const std::int64_t units = std::min(units_per_piece_, units_ - first(piece));
  ConvolutionProblem part = problem_;
  part.x = by_rows_ ? Shape{1, units, part.x[2], part.x[3]} : part.x.with_rows(units);
  return part;
}

ProductPieces::ProductPieces(std::int64_t rows, std::int64_t columns) {
  constexpr std::int64_t kRows = 128, kColumns = 256;
  by_rows_ = rows >= 2 * kRows;
  length_ = by_rows_ ? rows : columns;
  other_ = by_rows_ ? columns : rows;
  step_ = by_rows_ ? kRows : kColumns;
}

}  // namespace tandem::cpu
