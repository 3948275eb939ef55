#!/usr/bin/env bash
# Reads 100,000 damaged files of each format of weights: none may crash the reader, every refusal is one clear line.
#
#   scripts/evidence/mutate-weights.sh [BUILD] [COUNT]     BUILD: default build; build-asan finds more, and takes longer
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
TANDEM_MUTATIONS=${2:-100000} "${1:-build}/bin/tests_weights" "a mutated *" --durations yes
