#include "cpu/host/host_memory.h"

#include <sys/mman.h>
#include <unistd.h>

#include "core/base/error.h"

namespace tandem::cpu {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;

std::size_t free_memory() {
  return static_cast<std::size_t>(sysconf(_SC_AVPHYS_PAGES)) * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

}  // namespace

void* HostSegments::acquire(std::size_t bytes) {
  // Maps one huge page more than needed and trims the ends: only aligned ranges can use huge pages.
  const std::size_t mapped = bytes + kHugePage;
  void* address = mmap(nullptr, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) throw OutOfMemory(bytes, 0, free_memory());
  auto* begin = static_cast<std::byte*>(address);
  const std::size_t lead = (kHugePage - reinterpret_cast<std::uintptr_t>(begin) % kHugePage) % kHugePage;
  if (lead) munmap(begin, lead);
  if (mapped - lead > bytes) munmap(begin + lead + bytes, mapped - lead - bytes);
  (void)madvise(begin + lead, bytes, MADV_HUGEPAGE);  // may fail: small pages work too, only slower
  return begin + lead;
}

void HostSegments::release(void* segment, std::size_t bytes) noexcept { munmap(segment, bytes); }

void require_host_memory(std::size_t bytes) {
  void* address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address == MAP_FAILED) throw OutOfMemory(bytes, 0, free_memory());
  munmap(address, bytes);
}

}  // namespace tandem::cpu
