#!/usr/bin/env bash
# Formats every source file with clang-format; with --check, changes nothing and fails if a file is not formatted.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v clang-format >/dev/null; then
  echo "error: clang-format is missing; scripts/install-deps.sh clang-format installs it" >&2
  exit 1
fi
mode=(-i)
if [[ ${1:-} == --check ]]; then mode=(--dry-run --Werror); fi
find core cpu cuda io weights layers data inference train eval bench tools tests \( -name '*.cpp' -o -name '*.h' -o -name '*.cu' -o -name '*.cuh' \) \
  -print0 | xargs -0 --no-run-if-empty clang-format "${mode[@]}"
