#include "core/base/processors.h"

#include <sched.h>
#include <stdlib.h>

#include <thread>

#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace tandem {
namespace {

/// A machine's files below a temporary folder, as cpu_quota() reads them.
class Machine {
 public:
  explicit Machine(const std::string& groups) { dir_.write("proc/self/cgroup", groups); }
  Machine& with(const std::string& file, const std::string& content) {
    dir_.write("sys/fs/cgroup/" + file, content);
    return *this;
  }
  std::optional<double> quota() const { return cpu_quota(dir_.path()); }

 private:
  test::TempDir dir_;
};

}  // namespace

TEST_CASE("The CPU quota is read from cgroups of version 2") {
  CHECK(Machine("0::/\n").with("cpu.max", "150000 100000\n").quota() == 1.5);
  CHECK_FALSE(Machine("0::/\n").with("cpu.max", "max 100000\n").quota());
  CHECK(Machine("0::/a/b\n").with("a/b/cpu.max", "400000 100000\n").quota() == 4);
  // The least of a group and those above it.
  CHECK(Machine("0::/a/b\n").with("a/b/cpu.max", "400000 100000\n").with("a/cpu.max", "200000 100000\n").quota() == 2);
  CHECK(Machine("0::/a/b\n").with("a/b/cpu.max", "50000 100000\n").with("a/cpu.max", "200000 100000\n").quota() == 0.5);
  CHECK(Machine("0::/a/b\n").with("a/b/cpu.max", "max 100000\n").with("a/cpu.max", "300000 100000\n").quota() == 3);
  // A group above that limits nothing of the kind has no such file.
  CHECK(Machine("0::/a/b\n").with("a/b/cpu.max", "300000 100000\n").with("a/cgroup.procs", "1\n").quota() == 3);
  // The machine's path, not to be seen from within a container.
  CHECK(Machine("0::/docker/0123\n").with("cpu.max", "200000 100000\n").quota() == 2);
  CHECK(Machine("0::/../other\n").with("cpu.max", "200000 100000\n").quota() == 2);
}

TEST_CASE("The CPU quota is read from cgroups of version 1, also beside version 2") {
  const std::string groups = "5:memory:/a\n4:cpu,cpuacct:/a/b\n1:name=systemd:/a\n0::/a\n";
  const auto machine = [&](const std::string& quota) {
    Machine made(groups);
    made.with("cpu,cpuacct/a/b/cpu.cfs_quota_us", quota).with("cpu,cpuacct/a/b/cpu.cfs_period_us", "100000\n");
    return made.quota();
  };
  CHECK(machine("250000\n") == 2.5);
  CHECK_FALSE(machine("-1\n"));
  CHECK(Machine("3:cpuset:/\n2:cpuacct:/\n1:cpu:/x\n")
            .with("cpu/cpu.cfs_quota_us", "100000\n")
            .with("cpu/cpu.cfs_period_us", "50000\n")
            .quota() == 2);
  CHECK(Machine("1:cpu:/\n0::/\n").with("unified/cpu.max", "100000 100000\n").quota() == 1);
}

TEST_CASE("A machine without cgroups, or with files that make no sense, has no CPU quota") {
  CHECK_FALSE(cpu_quota(test::TempDir().path()));
  CHECK_FALSE(Machine("").quota());
  CHECK_FALSE(Machine("0::/\n").quota());
  CHECK_FALSE(Machine("nonsense\n0:\n0::/\n").with("cpu.max", "").quota());
  CHECK_FALSE(Machine("0::/\n").with("cpu.max", "many 100000\n").quota());
  CHECK_FALSE(Machine("0::/\n").with("cpu.max", "100000 0\n").quota());
  CHECK_FALSE(Machine("1:cpu:/\n").with("cpu/cpu.cfs_quota_us", "100000\n").quota());
}

TEST_CASE("The number of threads is what was asked for, else OMP_NUM_THREADS, else the affinity") {
  CHECK(compute_threads(3).count == 3);
  CHECK(compute_threads(3).reason == "cpu.threads");
  // The variable and the mask are this process's: what they were comes back at the end.
  const char* before = std::getenv("OMP_NUM_THREADS");
  const std::string kept = before ? before : "";
  setenv("OMP_NUM_THREADS", "5,2", 1);
  CHECK(compute_threads({}).count == 5);
  CHECK(compute_threads({}).reason == "OMP_NUM_THREADS");
  CHECK(compute_threads(3).count == 3);
  setenv("OMP_NUM_THREADS", " 7 ", 1);
  CHECK(compute_threads({}).count == 7);
  for (const std::string useless : {"", " ", "0", "-1", "many", "4x", "3000000000"}) {
    setenv("OMP_NUM_THREADS", useless.c_str(), 1);
    CHECK(compute_threads({}).count == usable_processors().count);
    CHECK(compute_threads({}).reason ==
          usable_processors().reason + "; OMP_NUM_THREADS is '" + useless + "', which is no number of threads");
  }
  unsetenv("OMP_NUM_THREADS");
  CHECK(compute_threads({}).reason == usable_processors().reason);
  if (before) setenv("OMP_NUM_THREADS", kept.c_str(), 1);

  std::thread([] {  // A mask belongs to a thread.
    cpu_set_t all, one;
    REQUIRE(sched_getaffinity(0, sizeof all, &all) == 0);
    CPU_ZERO(&one);
    for (std::size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++i)
      if (CPU_ISSET(i, &all)) CPU_SET(i, &one);
    REQUIRE(sched_setaffinity(0, sizeof one, &one) == 0);
    CHECK(usable_processors().count == 1);
  })
      .join();
}

}  // namespace tandem
