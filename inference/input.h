#pragma once
// From a loader's batch to tensors.

#include "core/backend/backend.h"
#include "data/loader/batch.h"

namespace tandem {

/// (N, H, W, 3) of the compute type, normalised.
inline Tensor upload_images(Backend& backend, DType compute, const Batch& batch) {
  Tensor pixels = backend.empty({batch.images, batch.size, batch.size, 3}, DType::u8);
  backend.copy_from_host(batch.pixels.data(), pixels);
  Tensor images = backend.empty(pixels.shape(), compute);
  backend.normalize_images(pixels, images);
  return images;
}

}  // namespace tandem
