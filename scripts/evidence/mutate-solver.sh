#!/usr/bin/env bash
# Reads 100,000 pairs of a damaged solver.prototxt and train.prototxt of Caffe's in one process: none may crash or hang the
# migration, every refusal is one clear line. Prints how many were refused and read, and how long the slowest took.
#
#   scripts/evidence/mutate-solver.sh [BUILD] [COUNT]     BUILD: default build; build-asan finds more, and takes longer
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
TANDEM_MUTATIONS=${2:-100000} "${1:-build}/bin/tests_weights" "damaged solvers and networks *" --durations yes
