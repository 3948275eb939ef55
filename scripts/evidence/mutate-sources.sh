#!/usr/bin/env bash
# Reads 100,000 damaged files of each kind of source: none may crash the reader or take much memory, every refusal is one
# clear line.
#
#   scripts/evidence/mutate-sources.sh [BUILD] [COUNT]     BUILD: default build; build-asan finds more, and takes longer
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
TANDEM_MUTATIONS=${2:-100000} "${1:-build}/bin/tests_data" "a mutated *" --durations yes
