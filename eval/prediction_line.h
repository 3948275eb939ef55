#pragma once
// What tandem-predict says of an image: a line of JSON.

#include <span>
#include <string>
#include <vector>

namespace tandem {

/// Softmax: p_k = exp(z_k) / Σ_j exp(z_j). Error if a logit is not a finite number.
std::vector<double> softmax(std::span<const float> logits);

/// A vector to write beside a prediction.
struct NamedVector {
  std::string name;  // its key; empty: none
  std::span<const float> values;
};

/// {"image": ..., "label": ..., "probability": ...} and a line's end. probabilities: (K), as the classes. The label is
/// the most probable class; of equally probable ones the lower comes first. With top ≥ 1 also "top", a list of
/// {"label", "probability"} of the min(top, K) most probable ones. Text that is not UTF-8 is replaced. Error if a
/// component of the vector is not a finite number. Without classes there is no label.
std::string prediction_line(const std::string& image, std::span<const double> probabilities,
                            const std::vector<std::string>& classes, int top, const NamedVector& vector);

/// {"image": ..., "error": ...} and a line's end.
std::string error_line(const std::string& image, const std::string& error);

}  // namespace tandem
