#pragma once
// How many processors this process may keep busy.

#include <filesystem>
#include <optional>
#include <string>

namespace tandem {

struct ThreadCount {
  int count;           ///< at least 1
  std::string reason;  ///< what sets it, for the log: "affinity"
};

/// The processors that the process may run on (its affinity), or fewer where a cgroup's quota is smaller: a quota
/// of 1.5 processors keeps 2 threads busy.
ThreadCount usable_processors();

/// How many threads compute: `asked` if it is there; else OMP_NUM_THREADS, whose first number counts; else, also
/// where that is no number, one for each usable processor.
ThreadCount compute_threads(std::optional<int> asked);

/// How many processors' time the cgroups of this process allow, the least of a group and those above it; absent if
/// there is no limit. Reads proc/self/cgroup and sys/fs/cgroup below `root`; version 1 and 2, and both side by side.
std::optional<double> cpu_quota(const std::filesystem::path& root = "/");

}  // namespace tandem
