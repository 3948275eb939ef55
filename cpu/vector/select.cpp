#include <cstdlib>
#include <string_view>

#include "core/base/error.h"
#include "cpu/vector/kernels.h"

namespace tandem::cpu {

std::vector<const VectorKernels*> available_kernels() {
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  std::vector<const VectorKernels*> all{&baseline::kernels()};
  if (has_avx2) all.push_back(&avx2::kernels());
  if (has_avx512) all.push_back(&avx512::kernels());
  if (has_avx512 && __builtin_cpu_supports("avx512bf16")) all.push_back(&avx512_bf16::kernels());
  return all;
}

const VectorKernels& vector_kernels() {
  const std::vector<const VectorKernels*> available = available_kernels();
  const char* asked = std::getenv("TANDEM_CPU_ISA");
  if (!asked) return *available.back();
  for (const VectorKernels* kernels : available)
    if (std::string_view(asked) == kernels->isa) return *kernels;
  fail_input("TANDEM_CPU_ISA: got \"{}\", expected baseline, avx2, avx512 or avx512_bf16, and a processor that has it",
             asked);
}

}  // namespace tandem::cpu
