#!/usr/bin/env bash
# What the programs do where memory is short: a sweep of limits, which depends on the system's libraries and is therefore
# not among the tests. Takes a minute.
#
#   scripts/evidence/little-memory.sh      after scripts/build.sh with tests
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

build/bin/tests_data "[.little-memory]"
build/bin/tests_eval "[.little-memory]"
