#!/usr/bin/env bash
# Builds Tandem twice, optimised and under AddressSanitizer and UndefinedBehaviorSanitizer, and runs the tests on both
# (those labelled "slow" on the optimised build only). Installs what is missing first. Where nvcc, cuDNN and cuBLAS are
# there, it also builds with CUDA and runs the tests of that; those that need a GPU are skipped where there is none.
#
# With CI=true in the environment, the optimised builds treat warnings as errors, too.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

optimised=default cuda=cuda
if [[ ${CI:-} == true ]]; then optimised=ci cuda=cuda-ci; fi

./scripts/build.sh "$optimised" -DTANDEM_TESTS=ON
./scripts/build.sh asan

# Tests run side by side, so an OpenMP thread that waits must not hold a core.
export OMP_WAIT_POLICY=passive
export UBSAN_OPTIONS=print_stacktrace=1
run_tests() { ctest --preset "$@" --parallel "$(nproc)" --no-tests=error; }

echo "Tests under AddressSanitizer and UndefinedBehaviorSanitizer:"
run_tests asan --label-exclude slow
echo "Tests of the optimised build:"
run_tests "$optimised"

if lacking=$(./scripts/has-cuda.sh); then
  ./scripts/build.sh "$cuda" -DTANDEM_TESTS=ON
  echo "Tests of the build with CUDA:"
  run_tests "$cuda" --tests-regex '^(cuda|cudnn|cpu, on CUDA):'
else
  echo "The build with CUDA is left out: $lacking."
fi
