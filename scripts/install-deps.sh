#!/usr/bin/env bash
# Installs what third_party/packages.txt lists, from the distribution's packages (Debian 12, Ubuntu 22.04 or 24.04).
# Does nothing, and needs no root, when nothing is missing.
#
#   scripts/install-deps.sh [PACKAGE ...]     PACKAGE: installed as well
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  echo "error: install-deps.sh installs Debian and Ubuntu packages, and this system has no apt-get;" \
    "install what third_party/packages.txt lists by your system's means" >&2
  exit 1
fi

is_installed() {
  [[ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" == installed ]]
}

missing=()
mapfile -t wanted < <(sed -E 's/#.*//; s/[[:space:]]+//g; /^$/d' third_party/packages.txt)
for package in "${wanted[@]}" "$@"; do
  is_installed "$package" || missing+=("$package")
done
if ((${#missing[@]} == 0)); then exit 0; fi

as_root=()
if ((EUID != 0)); then
  if ! command -v sudo >/dev/null; then
    echo "error: these packages are missing, and installing them needs root or sudo: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

echo "Installing ${#missing[@]} packages and what they depend on: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
apt() {
  # env, because sudo drops the caller's environment.
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@" </dev/null >>"$log" 2>&1
}
if ! { apt update && apt install --yes --no-install-recommends "${missing[@]}"; }; then
  tail -n 30 "$log" >&2
  echo "error: apt-get failed; its last lines are above" >&2
  exit 1
fi
