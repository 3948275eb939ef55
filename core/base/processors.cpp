#include "core/base/processors.h"

#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <string_view>
#include <vector>

namespace tandem {
namespace {

namespace fs = std::filesystem;

/// The processors in the affinity mask; those that are online if it cannot be read.
int processors_by_affinity() {
  // A mask that is too small for the machine's processors is refused (EINVAL).
  for (int most = CPU_SETSIZE; most <= 1 << 20; most *= 2) {
    cpu_set_t* set = CPU_ALLOC(static_cast<std::size_t>(most));
    if (set == nullptr) break;
    const std::size_t bytes = CPU_ALLOC_SIZE(static_cast<std::size_t>(most));
    const bool read = sched_getaffinity(0, bytes, set) == 0;
    const int count = read ? CPU_COUNT_S(bytes, set) : 0;
    CPU_FREE(set);
    if (read) return std::max(count, 1);
  }
  return static_cast<int>(std::max(sysconf(_SC_NPROCESSORS_ONLN), 1L));
}

/// "max 100000", "150000 100000": processors; absent for "max", for version 1's -1, and for what is no number.
std::optional<double> ratio_of(const std::string& quota, const std::string& period) {
  const auto number = [](const std::string& text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc{} && end == text.data() + text.size() ? value : 0;
  };
  const std::int64_t share = number(quota), of = number(period);
  if (share <= 0 || of <= 0) return std::nullopt;
  return static_cast<double>(share) / static_cast<double>(of);
}

std::string word_of(std::istream& file) {
  std::string word;
  file >> word;
  return word;
}

std::optional<double> quota_in(const fs::path& group) {
  if (std::ifstream both(group / "cpu.max"); both) {  // version 2
    const std::string quota = word_of(both), period = word_of(both);
    return ratio_of(quota, period);
  }
  std::ifstream quota(group / "cpu.cfs_quota_us"), period(group / "cpu.cfs_period_us");
  return ratio_of(word_of(quota), word_of(period));
}

/// The least quota of the group at `path` below `mount`, and of those above it. In a container a path may be the
/// machine's, which is not there: then the mount itself is the container's group.
void take_least(const fs::path& mount, const fs::path& path, std::optional<double>& least) {
  const fs::path clean = path.lexically_normal();
  for (fs::path group = clean.relative_path();; group = group.parent_path()) {
    const std::optional<double> quota = quota_in(mount / group);
    if (quota && (!least || *quota < *least)) least = quota;
    if (group.empty()) return;
  }
}

bool names_cpu(std::string_view controllers) {
  while (!controllers.empty()) {
    const std::size_t comma = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, comma) == "cpu") return true;
    controllers.remove_prefix(std::min(comma + 1, controllers.size()));
  }
  return false;
}

/// The first number of OpenMP's list, which has one for each level of nesting; 0 if it is none.
int first_number(std::string_view list) {
  constexpr std::string_view kBlanks = " \t";
  list = list.substr(0, list.find(','));
  list.remove_prefix(std::min(list.size(), list.find_first_not_of(kBlanks)));
  list = list.substr(0, list.find_last_not_of(kBlanks) + 1);
  int count = 0;
  const auto [end, error] = std::from_chars(list.data(), list.data() + list.size(), count);
  return error == std::errc{} && end == list.data() + list.size() ? count : 0;
}

}  // namespace

std::optional<double> cpu_quota(const fs::path& root) {
  std::optional<double> least;
  const fs::path mounts = root / "sys/fs/cgroup";
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {  // "hierarchy:controllers:path"
    const std::size_t first = line.find(':'), second = first == line.npos ? line.npos : line.find(':', first + 1);
    if (second == line.npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1), path = line.substr(second + 1);
    if (controllers.empty()) {
      take_least(mounts, path, least);
      take_least(mounts / "unified", path, least);
    } else if (names_cpu(controllers)) {
      take_least(mounts / controllers, path, least);
      take_least(mounts / "cpu", path, least);
    }
  }
  return least;
}

ThreadCount usable_processors() {
  const int allowed = processors_by_affinity();
  if (const std::optional<double> quota = cpu_quota(); quota && *quota < allowed)
    return {std::max(static_cast<int>(std::ceil(*quota)), 1), fmt::format("a CPU quota of {:.3g}", *quota)};
  if (allowed < sysconf(_SC_NPROCESSORS_ONLN)) return {allowed, "affinity"};
  return {allowed, "one per processor"};
}

ThreadCount compute_threads(std::optional<int> asked) {
  if (asked) return {*asked, "cpu.threads"};
  const char* text = std::getenv("OMP_NUM_THREADS");
  if (text == nullptr) return usable_processors();
  if (const int count = first_number(text); count > 0) return {count, "OMP_NUM_THREADS"};
  ThreadCount usable = usable_processors();
  usable.reason += fmt::format("; OMP_NUM_THREADS is '{}', which is no number of threads", text);
  return usable;
}

}  // namespace tandem
