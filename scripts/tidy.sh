#!/usr/bin/env bash
# Checks every source file of the library and the programs with clang-tidy (.clang-tidy says for what).
#
#   scripts/tidy.sh [PRESET]     PRESET: the build whose compile commands are used (default: default; cuda/ is checked
#                                with a preset that builds it)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

preset=${1:-default}
if ! command -v run-clang-tidy >/dev/null; then
  echo "error: run-clang-tidy is missing; scripts/install-deps.sh clang-tidy installs it" >&2
  exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
start=$SECONDS
echo "Checking with clang-tidy ..."
case $preset in
  default | ci) build=build ;;
  cuda*) build=build-cuda ;;
  *) build=build-$preset ;;
esac
# The commands are GCC's; clang does not know all of its warnings.
if ! { cmake --preset "$preset" && run-clang-tidy -quiet -p "$build" \
  -extra-arg=-Wno-unknown-warning-option "^$PWD/(core|cpu|cuda|io|weights|layers|data|inference|train|eval|bench)/.*\.cpp\$"; } >"$log" 2>&1; then
  grep -E -A 5 'error:' "$log" >&2 || tail -n 40 "$log" >&2
  echo "error: clang-tidy found something; it is shown above" >&2
  exit 1
fi
echo "Checked in $((SECONDS - start)) s."
