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
case $preset in
  default | ci) build=build ;;
  cuda*) build="build-cuda" ;;
  *) build="build-$preset" ;;
esac

commands=$(mktemp -d)
trap 'rm -r "$commands"' EXIT
log=$commands/log
# once_each FROM TO: the compile commands of FROM, but of a source that is compiled several times, with flags for one
# instruction set each, only the last: the one for the most. run-clang-tidy is a Python program, so Python is there.
once_each() {
  python3 - "$1" "$2" <<'PYTHON'
import json, sys
with open(sys.argv[1]) as commands:
    last = {command["file"]: command for command in json.load(commands)}
with open(sys.argv[2], "w") as out:
    json.dump(list(last.values()), out)
PYTHON
}
check() {
  # What the build writes for itself must be there.
  cmake --preset "$preset" && cmake --build "$build" --target tandem_messages &&
    once_each "$build/compile_commands.json" "$commands/compile_commands.json" &&
    # The commands are GCC's; clang does not know all of its warnings.
    run-clang-tidy -quiet -p "$commands" -extra-arg=-Wno-unknown-warning-option \
      "^$PWD/(core|cpu|cuda|io|weights|layers|data|inference|train|eval|bench|tools)/.*\.cpp\$"
}

start=$SECONDS
echo "Checking with clang-tidy ..."
if ! check >"$log" 2>&1; then
  grep -E -A 5 'error:' "$log" >&2 || tail -n 40 "$log" >&2
  echo "error: clang-tidy found something; it is shown above" >&2
  exit 1
fi
echo "Checked in $((SECONDS - start)) s."
