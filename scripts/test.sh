#!/usr/bin/env bash
# Builds Tandem and runs its tests. Installs what is missing first.
#
#   scripts/test.sh            all tests: on the optimised build; on one under AddressSanitizer and
#                              UndefinedBehaviorSanitizer, but for those labelled "slow"; those of images on a build with
#                              stb_image; where nvcc, cuDNN and cuBLAS are there, those of a build with CUDA (what needs a
#                              GPU is skipped where there is none)
#   scripts/test.sh --fast     the optimised build alone, without the tests labelled "slow": for the loop while working
#
# With CI=true in the environment, the optimised builds treat warnings as errors, too.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fast=false
case ${1:-} in
  "") ;;
  --fast) fast=true ;;
  *)
    echo "error: unknown argument $1; usage: scripts/test.sh [--fast]" >&2
    exit 2
    ;;
esac
optimised=default cuda=cuda
if [[ ${CI:-} == true ]]; then optimised=ci cuda=cuda-ci; fi

# Tests run side by side, so an OpenMP thread that waits must not hold a core.
export OMP_WAIT_POLICY=passive
export UBSAN_OPTIONS=print_stacktrace=1
run_tests() { ctest --preset "$@" --parallel "$(nproc)" --no-tests=error; }

./scripts/build.sh "$optimised" -DTANDEM_TESTS=ON
if $fast; then
  run_tests "$optimised" --label-exclude slow
  exit
fi
./scripts/build.sh asan
./scripts/build.sh stb

echo "Tests under AddressSanitizer and UndefinedBehaviorSanitizer:"
run_tests asan --label-exclude slow
echo "Tests of the optimised build:"
run_tests "$optimised"
echo "Tests of images decoded by stb_image:"
run_tests stb

if lacking=$(./scripts/has-cuda.sh); then
  ./scripts/build.sh "$cuda" -DTANDEM_TESTS=ON
  echo "Tests of the build with CUDA:"
  run_tests "$cuda" --tests-regex '^(cuda|cudnn|cpu, on CUDA):'
else
  echo "The build with CUDA is left out: $lacking."
fi
