#include <cstdlib>
#include <string_view>

#include "core/error.h"
#include "cpu/vector/kernels.h"

namespace tandem::cpu {

const VectorKernels& vector_kernels() {
  const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  const bool has_bf16 = has_avx512 && __builtin_cpu_supports("avx512bf16");
  std::string_view wanted = has_bf16 ? "avx512_bf16" : has_avx512 ? "avx512" : has_avx2 ? "avx2" : "baseline";
  if (const char* asked = std::getenv("TANDEM_CPU_ISA")) wanted = asked;
  if (wanted == "baseline") return baseline::kernels();
  if (wanted == "avx2" && has_avx2) return avx2::kernels();
  if (wanted == "avx512" && has_avx512) return avx512::kernels();
  if (wanted == "avx512_bf16" && has_bf16) return avx512_bf16::kernels();
  fail_input("TANDEM_CPU_ISA: got \"{}\", expected baseline, avx2, avx512 or avx512_bf16, and a processor that has it",
             wanted);
}

}  // namespace tandem::cpu
