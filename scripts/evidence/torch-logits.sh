#!/usr/bin/env bash
# Networks of torchvision and timm in Tandem: random weights, saved by PyTorch as .pth (zip archive and the older format)
# and as .safetensors, converted by Tandem, and their logits on pictures of three sizes compared with PyTorch's in
# float64. Prints the largest differences; fails if one exceeds 1e-6 in f64 or 1e-4 in f32.
#
#   scripts/evidence/torch-logits.sh [BIN]     BIN: the folder of tests_inference (default: build/bin)
# TANDEM_PYTHON: a Python with torchvision and safetensors, and with timm for timm's (default: python3).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
bin=${1:-build/bin}
export TANDEM_PYTHON=${TANDEM_PYTHON:-python3}

if ! "$TANDEM_PYTHON" -c 'import torchvision, safetensors' 2>/dev/null; then
  echo "SKIPPED: $TANDEM_PYTHON has no torchvision and safetensors; TANDEM_PYTHON may name one that has"
  exit 0
fi
"$bin/tests_inference" "*networks compute PyTorch's logits*"
