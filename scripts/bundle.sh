#!/usr/bin/env bash
# Packs what scripts/gpu-check.sh needs on a machine that has a GPU, cuDNN and cuBLAS but no package manager: programs and
# tests with CUDA, and the shared libraries they need beside CUDA's. Leaves bundle/tandem-cuda.tar.xz, at most 60 MiB.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

limit_mib=60

./scripts/build.sh bundle

rm -rf bundle
mkdir -p bundle/bin bundle/lib
cp build-bundle/bin/* bundle/bin
strip bundle/bin/*

# Every system has a C library, and the machine's own libstdc++ must serve cuDNN, too. CUDA's libraries are there.
ldd bundle/bin/* | awk '$2 == "=>" && $3 ~ /^\// {print $3}' | sort -u |
  grep -Ev '/(libc|libm|libdl|librt|libpthread|libstdc\+\+|libgcc_s|libcuda|libcublas|libcublasLt|libcudnn)\.so' |
  while read -r library; do cp -L "$library" bundle/lib; done

tar -C bundle -cf - bin lib | xz -T0 -6 >bundle/tandem-cuda.tar.xz
rm -rf bundle/bin bundle/lib
bytes=$(stat -c %s bundle/tandem-cuda.tar.xz)
if ((bytes > limit_mib << 20)); then
  echo "error: bundle/tandem-cuda.tar.xz has $((bytes >> 20)) MiB, at most $limit_mib expected" >&2
  exit 1
fi
echo "bundle/tandem-cuda.tar.xz: $((bytes >> 20)) MiB"
