#!/usr/bin/env bash
# Kills runs with SIGKILL at random moments, by the clock, and resumes them to their end: checkpoints and log must equal
# those of the run that was never killed, byte for byte. A run for each part that has a state, and one with all of them.
#
#   scripts/evidence/kill-and-resume.sh [BUILD] [KILLS] [SEED] [NAME...]     default: build 20 1, every run
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
bin=$(realpath "${1:-build}")/bin
kills=${2:-20}
RANDOM=${3:-1} # the moments; how far a run is by then depends on the machine
shift $(($# < 3 ? $# : 3))
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

declare -A runs=(
  [plain]=''
  [ema]='ema={}'
  [clip]='optimizer.clip_norm=0.5'
  [accumulate]='pairs.batch=2 pairs.accumulate=2'
  [dropout]='model.dropout=0.3'
  [depth]='model.stochastic_depth=0.3'
  [freeze]='finetune.freeze=["backbone.*"] finetune.unfreeze=[{"after_epochs":8,"patterns":["layer4.*"]},{"after_epochs":16}]'
  [plateau]='schedule.type=plateau schedule.warmup=0 schedule.patience=0 schedule.threshold=0.5'
  [stopping]='train.early_stopping={"figure":"loss.total","mode":"max","min_delta":1000,"patience":25}'
  [best]='checkpoint.best={"figure":"eval.loss"}'
  [adamw]='optimizer.type=adamw optimizer.lr=0.001'
  [lamb]='optimizer.type=lamb optimizer.lr=0.01'
)
runs[all]="${runs[ema]} ${runs[clip]} ${runs[accumulate]} ${runs[dropout]} ${runs[depth]} ${runs[freeze]} ${runs[plateau]} \
${runs[stopping]} ${runs[best]} ${runs[adamw]} loss.contrastive.weight=match_softmax train.losses_every=2"

"$bin/tandem-data" synth --out "$work/set" --train 8 --test 4 --size 32 --classes 3 >"$work/synth.log"
cat >"$work/config.json" <<END
{"device": "cpu", "output": "run", "model": {"arch": "resnet18", "resnet": {"width": 8, "stem_width": 8}, "embedding": [16]},
 "data": {"train": {"list": "$work/set/train.txt"}, "eval": {"list": "$work/set/test.txt"}, "image_size": 32},
 "pairs": {"batch": 5}, "optimizer": {"lr": 0.01}, "train": {"epochs": 30}, "checkpoint": {"every_steps": 2, "keep": 0}}
END

# train FOLDER [ARGUMENT...]: the run that is at hand, in its own folder, so that both write the same config
train() {
  local folder=$1
  shift
  mkdir -p "$folder"
  (cd "$folder" && exec "$bin/tandem-train" "$work/config.json" "${settings[@]}" "$@") >>"$folder.log" 2>&1
}
events() { sed -E 's/"images_per_s":[^,}]*,?//' "$1"; }

failed=0
for name in "${@:-plain ema clip accumulate dropout depth freeze plateau stopping best adamw lamb all}"; do
  for run in $name; do
    settings=()
    for setting in ${runs[$run]}; do settings+=(--set "$setting"); done
    whole=$work/$run.whole killed=$work/$run.killed
    begin=$(date +%s%N)
    train "$whole"
    took=$((($(date +%s%N) - begin) / 1000000)) # milliseconds
    done_early=0
    for ((i = 0; i < kills; ++i)); do
      delay=$((100 + took * RANDOM / 32768 / 5)) # of the run a fifth at most, so that it takes many kills to its end
      mkdir -p "$killed"
      (cd "$killed" && exec "$bin/tandem-train" "$work/config.json" "${settings[@]}" --resume) >>"$killed.log" 2>&1 &
      pid=$!
      sleep "$(printf '%d.%03d' $((delay / 1000)) $((delay % 1000)))"
      kill -KILL "$pid" 2>/dev/null || done_early=$((done_early + 1))
      wait "$pid" 2>/dev/null || true
    done
    resumed=$(grep -c '^resumed from' "$killed.log" || true)
    train "$killed" --resume
    same=same
    for file in last best; do
      cmp -s {"$whole","$killed"}/run/checkpoints/$file.safetensors || same="$file.safetensors DIFFERS"
    done
    cmp -s <(events "$whole/run/metrics.jsonl") <(events "$killed/run/metrics.jsonl") || same="metrics.jsonl DIFFERS"
    [[ $same == same ]] || failed=1
    printf '%-10s %s: %d kills, of them %d after its end, %d resumed, %d events of %.1f s\n' "$run" "$same" "$kills" \
      "$done_early" "$resumed" "$(wc -l <"$whole/run/metrics.jsonl")" "$((took / 100))e-1"
    rm -rf "$whole" "$killed"
  done
done
exit $failed
