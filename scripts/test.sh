#!/usr/bin/env bash
# Builds Tandem twice, optimised and under AddressSanitizer and UndefinedBehaviorSanitizer, and runs the tests on both
# (those labelled "slow" on the optimised build only). Installs what is missing first.
#
# With CI=true in the environment, the optimised build treats warnings as errors, too.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

optimised=default
if [[ ${CI:-} == true ]]; then optimised=ci; fi

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
