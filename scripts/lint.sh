#!/usr/bin/env bash
# Checks every shell script of the repository with shellcheck.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v shellcheck >/dev/null; then
  echo "error: shellcheck is missing; scripts/install-deps.sh shellcheck installs it" >&2
  exit 1
fi
# A script is what may be executed and says in its first line that a shell should do it.
mapfile -d '' scripts < <(find . -type d \( -name .git -o -name 'build*' -o -name runs -o -name bundle \) -prune -o \
  -type f -perm -u+x -print0 | xargs -0 grep -lIZE '^#!.*[/ ](ba|da)?sh$' | sort -z)
if ((${#scripts[@]} == 0)); then
  echo "error: no shell scripts found" >&2
  exit 1
fi
shellcheck "${scripts[@]}"
echo "shellcheck passes ${#scripts[@]} scripts."
