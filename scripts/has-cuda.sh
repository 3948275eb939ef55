#!/usr/bin/env bash
# Whether Tandem can be built with CUDA here: nvcc, cuDNN and cuBLAS are there. Otherwise says on one line what is not.
set -euo pipefail

nvcc=$(command -v nvcc || echo /usr/local/cuda/bin/nvcc)
if [[ ! -x $nvcc ]]; then
  echo "no nvcc"
  exit 1
fi
for header in cudnn.h cublasLt.h; do
  if ! echo "#include <$header>" | "$nvcc" -x cu -E - >/dev/null 2>&1; then
    echo "$nvcc finds no $header"
    exit 1
  fi
done
