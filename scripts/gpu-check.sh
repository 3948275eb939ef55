#!/usr/bin/env bash
# Checks and measures the CUDA backend on a machine with a GPU, within nine minutes. Needs no package manager: it runs
# bundle/tandem-cuda.tar.xz, which scripts/bundle.sh makes elsewhere; without one it builds from source, which takes the
# packages of third_party/packages.txt, nvcc, cuDNN and cuBLAS. cuDNN and cuBLAS may be those of pip's wheels.
#
#   scripts/gpu-check.sh OUT [--only STAGE,...] [--minutes N]
#
#   OUT        a folder for the logs and figures; table.txt there is what is printed last
#   --only     some of: suite, sanitizer, bench, peer, layers
#   --minutes  the time for everything (default 9)
#
# Every step has a time limit of its own. One that fails does not stop the others; the exit status is 1 then. Nine minutes
# are not enough for everything on a cold start: run it again with --only for the stages that found no time.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1

stages=suite,sanitizer,bench,peer,layers
minutes=9
out=
while (($# > 0)); do
  case $1 in
    --only | --minutes)
      if (($# < 2)); then
        echo "error: $1 needs a value" >&2
        exit 2
      fi
      case $1 in
        --only) stages=$2 ;;
        --minutes) minutes=$2 ;;
      esac
      shift
      ;;
    -*)
      echo "error: unknown option $1" >&2
      exit 2
      ;;
    *) out=$1 ;;
  esac
  shift
done
if [[ -z $out || ! $minutes =~ ^[0-9]+$ ]]; then
  echo "usage: scripts/gpu-check.sh OUT [--only STAGE,...] [--minutes N]" >&2
  exit 2
fi
mkdir -p "$out" || exit 1
out=$(cd "$out" && pwd)
# Kept, so that a second run with other stages measures no convolution again.
cache=${TANDEM_CACHE:-$PWD/build-gpu-cache}
mkdir -p "$cache" || exit 1
deadline=$((SECONDS + minutes * 60 - 10)) # the table takes a moment, too
failures=0
: >"$out/table.txt"

wanted() { [[ ",$stages," == *",$1,"* ]]; }
row() { printf '%-48s %-12s %6s  %s\n' "$@" >>"$out/table.txt"; }

# limited SECONDS COMMAND ...: runs it, at most that long and not beyond the deadline; status 124: no time.
limited() {
  local limit=$1 left=$((deadline - SECONDS))
  shift
  if ((left < limit)); then limit=$left; fi
  if ((limit < 5)); then return 124; fi
  timeout --kill-after=5 "$limit" "$@"
}

# step NAME SECONDS LOG COMMAND ...: runs it, its output added to the log; a row of the table says what came of it. The
# row's last column is what the function $details makes of the output.
# shellcheck disable=SC2317  # called by name
nothing() { :; }
details=nothing
step() {
  local name=$1 seconds=$2 log=$out/$3 start=$SECONDS status=0 verdict
  shift 3
  echo "== $name"
  last_output=$(limited "$seconds" "$@" 2>&1) || status=$?
  printf '== %s: %s\n%s\n' "$name" "$*" "$last_output" >>"$log"
  case $status in
    0) verdict=ok ;;
    124 | 137) verdict="out of time" ;;
    *) verdict="FAILED ($status)" ;;
  esac
  if ((status != 0)); then failures=$((failures + 1)); fi
  if ((status == 0)); then
    row "$name" "$verdict" "$((SECONDS - start)) s" "$($details)"
  else
    row "$name" "$verdict" "$((SECONDS - start)) s" "$($details) $(tail -n 1 <<<"$last_output" | cut -c 1-160)"
  fi
  return "$status"
}
# figure KEY: a number of the last step's line of JSON.
figure() { grep -oE "\"$1\": ?[0-9.]+" <<<"$last_output" | tail -n 1 | grep -oE '[0-9.]+$'; }

# Programs. -----------------------------------------------------------------------------------------------------------

# Where pip keeps NVIDIA's libraries: of several folders, the one with cuDNN; empty if there is none.
wheels=$(python3 -c '
import importlib.util, os
found = importlib.util.find_spec("nvidia")
print(next((p for p in found.submodule_search_locations if os.path.isdir(p + "/cudnn")), ""))' 2>/dev/null || true)

{
  date
  nvidia-smi || echo "nvidia-smi: not there"
  nvcc --version || /usr/local/cuda/bin/nvcc --version || echo "nvcc: not there"
  echo "NVIDIA's wheels: ${wheels:-none}"
  python3 -c 'import torch; print("torch", torch.__version__)' || echo "torch: not there"
} >"$out/machine.txt" 2>&1

if [[ -f bundle/tandem-cuda.tar.xz ]]; then
  bin=bundle/bin
  rm -rf bundle/bin bundle/lib
  step "unpack the bundle" 60 machine.txt bash -c 'tar -C bundle -xJf bundle/tandem-cuda.tar.xz ||
    python3 -m tarfile -e bundle/tandem-cuda.tar.xz bundle'
else
  bin=build-cuda/bin
  step "build from source" 400 machine.txt bash -c "cmake --preset cuda -DCMAKE_CUDA_ARCHITECTURES=native \
    -DTANDEM_NVIDIA_WHEELS='$wheels' && cmake --build --preset cuda --parallel $(nproc)"
fi
if [[ ! -x $bin/tandem-bench ]]; then
  cat "$out/table.txt"
  echo "error: there are no programs to run; $out/machine.txt says why" >&2
  exit 1
fi

# cuDNN loads its parts by name, so their folder has to be on the path, too, and so has the bundle's for what its own
# libraries need. PyTorch finds its own.
libraries=$PWD/bundle/lib:/usr/local/cuda/lib64
for folder in "${wheels:-/nowhere}"/*/lib; do
  if [[ -d $folder ]]; then libraries=$folder:$libraries; fi
done
tandem=(env "LD_LIBRARY_PATH=$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}" "TANDEM_CACHE=$cache" TANDEM_TEST_DEVICE=cuda)

# The suite. ----------------------------------------------------------------------------------------------------------

# shellcheck disable=SC2317
tests_passed() {
  local result skipped
  result=$(grep -E '^(All tests passed|test cases:)' <<<"$last_output" | tail -n 1)
  skipped=$(grep -c '^SKIPPED:' <<<"$last_output")
  if ((skipped > 0)); then result+=", $skipped skipped"; fi
  echo "$result"
}
# tests NAME SECONDS PROGRAM [TESTS]: a test that finds no GPU is skipped, which here is a failure.
tests() {
  local name=$1 seconds=$2 program=$bin/$3
  shift 3
  if step "tests: $name" "$seconds" suite.log "${tandem[@]}" "$program" "$@" && grep -q '^SKIPPED: no GPU' <<<"$last_output"; then
    row "" "no GPU found" "" ""
    failures=$((failures + 1))
  fi
}
suite() {
  wanted suite || return 0
  details=tests_passed
  tests "cuDNN's engines" 60 tests_cudnn
  tests "kernels and ops, f32 and bf16" 120 tests_cpu "[device]"
  tests "the CUDA backend" 150 tests_cuda "~[resnet50]~[.]"
  tests "ResNet-50's curve and PyTorch's figures" 150 tests_cuda "[resnet50]"
}

# compute-sanitizer over the op cases: every kernel, many shapes. What it finds fault with in cuDNN's and cuBLAS's own calls
# is NVIDIA's business: where the tool can choose, it looks at our kernels.
# shellcheck disable=SC2317
sanitizer_found() { grep -E 'ERROR SUMMARY|RACECHECK SUMMARY' <<<"$last_output" | tail -n 1 | sed 's/=* *//'; }
sanitize() {
  wanted sanitizer || return 0
  details=sanitizer_found
  local sanitizer help option tool
  sanitizer=$(command -v compute-sanitizer || echo /usr/local/cuda/bin/compute-sanitizer)
  if [[ ! -x $sanitizer ]]; then
    failures=$((failures + 1))
    row "compute-sanitizer" "not there" "" ""
    return
  fi
  help=$("$sanitizer" --help 2>&1)
  local ours=()
  for option in --kernel-regex --kernel-name; do
    if grep -q -e "$option " <<<"$help"; then
      ours=("$option" kns=tandem)
      break
    fi
  done
  for tool in memcheck racecheck initcheck; do
    local only=("${ours[@]}")
    if [[ $tool == initcheck ]]; then only=(); fi # to it, what a kernel that it does not see has written is unwritten
    if [[ $tool == memcheck ]] && grep -q -e --report-api-errors <<<"$help"; then only+=(--report-api-errors no); fi
    # No engine of cuDNN is timed here: there is no file to remember that in.
    step "compute-sanitizer $tool" 80 sanitizer.log "${tandem[@]}" TANDEM_CACHE=/dev/null "$sanitizer" --tool "$tool" "${only[@]}" \
      --error-exitcode 1 --print-limit 20 "$bin/tests_cpu" "Ops agree with the reference in bf16"
  done
}

# Speed: Tandem and the peer in turns, the figures that the peer is compared by first. ----------------------------------

declare -A speeds
# shellcheck disable=SC2317
speed() {
  if [[ -n $(figure images_per_s) ]]; then echo "$(figure images_per_s) images/s, $(figure peak_mib) MiB"; fi
}
# ours PRECISION PAIRS [OPTION]: on a GPU each of tandem-bench's timed steps is the mean of ten, and the first ten set things up.
ours() {
  wanted bench || return 0
  step "Tandem, $1, $2 pairs${3:+, $3}" 75 bench.log "${tandem[@]}" "$bin/tandem-bench" step --device cuda \
    --precision "$1" --pairs "$2" --steps 5 --warmup 1 ${3:+"$3"} && [[ -z ${3:-} ]] &&
    speeds["Tandem $1 $2"]=$(figure images_per_s)
}
# theirs PRECISION PAIRS MODE SECONDS
theirs() {
  wanted peer || return 0
  local how="torch.compile $3"
  if [[ $3 == none ]]; then how=eager; fi
  step "PyTorch, $1, $2 pairs, $how" "$4" bench.log python3 bench/peers/torch_twin.py bench --device cuda --precision "$1" --pairs "$2" \
    --steps 20 --warmup 5 --format channels_last --towers stacked --compile "$3" &&
    speeds["$how $1 $2"]=$(figure images_per_s)
}

layers() {
  wanted layers || return 0
  details=nothing
  step "tandem-bench layers, bf16, 128 pairs" 60 layers.txt "${tandem[@]}" "$bin/tandem-bench" layers --device cuda \
    --precision bf16 --pairs 128 --steps 3
}

# In the order of importance: what comes last may find no time. -----------------------------------------------------------

details=nothing
step "one small step" 60 suite.log "${tandem[@]}" "$bin/tandem-bench" step --device cuda --precision fp32 \
  --arch resnet18 --pairs 2 --size 64 --steps 1 --warmup 1
details=speed
ours bf16 128
theirs bf16 128 none 40
theirs bf16 128 default 180
ours bf16 128 # again: the card was cool before
ours bf16 128 --nondeterministic
ours bf16 128 --no-capture
suite
details=speed
ours fp16 128
theirs fp16 128 none 40
layers
sanitize
details=speed
ours tf32 128
ours bf16 64
ours bf16 256
for precision in fp16 tf32; do
  for pairs in 64 256; do ours $precision $pairs; done
done
theirs fp16 128 default 180
theirs bf16 64 none 40
theirs bf16 256 none 40

# To be put back into the cache of another machine of the kind: then nothing is timed there.
cp "$cache"/cudnn_convolutions.txt "$out" 2>/dev/null || true

# The table. ----------------------------------------------------------------------------------------------------------

for precision in bf16 fp16; do
  for peer_name in eager "torch.compile default"; do
    mine=${speeds["Tandem $precision 128"]:-} other=${speeds["$peer_name $precision 128"]:-}
    if [[ -n $mine && -n $other ]]; then
      row "Tandem over PyTorch $peer_name, $precision" "" "" "$(awk "BEGIN {printf \"%.2f\", $mine / $other}")"
    fi
  done
done
echo
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null
cat "$out/table.txt"
echo "$failures steps failed; logs and figures: $out"
exit $((failures > 0))
