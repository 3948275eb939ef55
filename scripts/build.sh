#!/usr/bin/env bash
# Installs what is missing, configures and builds. Quiet on success; on failure, shows the end of the log. Where there is
# no apt-get it installs nothing; if something is missing then, CMake says what.
#
#   scripts/build.sh [PRESET [CMAKE_OPTION ...]]     PRESET: one of CMakePresets.json (default: default)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

preset=${1:-default}
shift $(($# > 0 ? 1 : 0))

if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
  ./scripts/install-deps.sh
else
  echo "There is no apt-get here, so nothing is installed; third_party/packages.txt lists what Tandem is built from."
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
logged() {
  if ! "$@" >>"$log" 2>&1; then
    tail -n 60 "$log" >&2
    echo "error: '$*' failed; the end of its log is above" >&2
    exit 1
  fi
}
start=$SECONDS
echo "Building (preset $preset, $(nproc) cores) ..."
logged cmake --preset "$preset" "$@"
logged cmake --build --preset "$preset" --parallel "$(nproc)"
echo "Built in $((SECONDS - start)) s."
