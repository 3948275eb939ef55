#!/usr/bin/env bash
# Checks who includes whom: the table of docs/architecture.md. Prints every wrong include as file:line and fails.
#
#   includes.sh ROOT
set -euo pipefail
cd "$1"

# shellcheck disable=SC2016  # awk's own variables
check='
BEGIN {
  # A folder, the folders it may include besides itself, and the third-party headers only it may include.
  allowed["core"]      = ""
  allowed["cpu"]       = "core"
  allowed["cuda"]      = "core"
  allowed["io"]        = "core"
  allowed["weights"]   = "core io"
  allowed["layers"]    = "core"
  allowed["data"]      = "core io"
  allowed["inference"] = "core io weights layers data"
  allowed["train"]     = "core io layers data inference"
  allowed["eval"]      = "core io layers data inference"
  allowed["bench"]     = "core io layers data inference train"
  # Programs (tandem_*.cpp) also choose the backend.
  backends = "cpu cuda"
  # Programs some of whose subcommands live in a folder above their own.
  above["data/tandem_data.cpp"] = "train"

  owner["^<(oneapi/)?dnnl"]                = "cpu"
  owner["^<(cuda|cudnn|cublas|cub/|nvtx)"] = "cuda"
  owner["^<(opencv2/|stb/|stb_|jpeg|jerror|png)"] = "data"
  owner["^<utf8proc"]                      = "data"
  owner["^<google/protobuf/"]              = "weights"
}
function contains(list, word) { return index(" " list " ", " " word " ") > 0 }
function wrong(why) { printf "%s:%d: %s: %s\n", FILENAME, FNR, $0, why; failures++ }

FNR == 1 {
  folder = FILENAME
  sub(/\/.*/, "", folder)
  program = FILENAME ~ /\/tandem_[a-z]+\.cpp$/
}
/^[ \t]*#[ \t]*include/ {
  what = $0
  sub(/^[ \t]*#[ \t]*include[ \t]*/, "", what)
  if (what ~ /^"/) {
    other = substr(what, 2)
    if (!sub(/\/.*/, "", other) || !(other in allowed)) wrong("write it from the root of the repository")
    else if (other != folder && !contains(allowed[folder], other) && !(program && contains(backends, other)) &&
             !contains(above[FILENAME], other))
      wrong(folder "/ may not include " other "/")
  } else {
    for (pattern in owner)
      if (what ~ pattern && folder != owner[pattern]) wrong("only " owner[pattern] "/ may include it")
  }
}
END { exit failures > 0 }
'
mapfile -d '' files < <(find core cpu cuda io weights layers data inference train eval bench -regextype posix-extended \
  -regex '.*\.(cpp|h|cu|cuh)' -print0 2>/dev/null | sort -z)
if ((${#files[@]} == 0)); then
  echo "no source files below $1" >&2
  exit 1
fi
awk "$check" "${files[@]}"
echo "${#files[@]} files include only what they may"
