#include "io/atomic_file.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <set>
#include <string>

#include "tests/support/catch.h"
#include "tests/support/errors.h"
#include "tests/support/temp_dir.h"
#include "tests/support/tiny_run.h"

namespace {

/// What fsync() fails with in this program; 0: it works.
int& fsync_error() {
  static int error = 0;
  return error;
}

}  // namespace

/// In the place of the C library's, so that a file system can be one that has no fsync(), or a full one.
extern "C" int fsync(int file) {
  if (fsync_error() == 0) return static_cast<int>(::syscall(SYS_fsync, file));
  errno = fsync_error();
  return -1;
}

namespace tandem {
namespace {

using test::contains;
using test::error_of;
using test::read_file;
using Names = std::set<std::string>;

Names names_in(const std::filesystem::path& folder) {
  Names names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.insert(entry.path().filename().string());
  return names;
}

TEST_CASE("an atomic file appears when it is committed") {
  const test::TempDir folder;
  const auto path = folder.write("a.json", "before");
  {
    AtomicFile file(path);
    file.write("half");
    CHECK(read_file(path) == "before");
    CHECK(names_in(folder.path()).size() == 2);
  }
  CHECK(read_file(path) == "before");
  CHECK(names_in(folder.path()) == Names{"a.json"});
  write_file_atomically(path, "after");
  CHECK(read_file(path) == "after");
  CHECK(names_in(folder.path()) == Names{"a.json"});
}

TEST_CASE("of two writers of one file the last to end wins whole") {
  const test::TempDir folder;
  const auto path = folder / "labels.jsonl";
  AtomicFile first(path), second(path);
  first.write("first, ");
  second.write("second, ");
  first.write("whole");
  second.write("whole");
  second.commit();
  CHECK(read_file(path) == "second, whole");
  first.commit();
  CHECK(read_file(path) == "first, whole");
  CHECK(names_in(folder.path()) == Names{"labels.jsonl"});
}

TEST_CASE("a file of somebody's beside an atomic file stays as it is") {
  const test::TempDir folder;
  const Names mine = {"a.tmp", "a.tandem-.tmp", "a.tandem-abcdefg.tmp", "a.tandem-ABCDEF.tmp", ".tandem-abcdef.tmp"};
  for (const std::string& name : mine) folder.write(name, "mine");
  write_file_atomically(folder / "a", "after");
  copy_file_atomically(folder / "a", folder / "b");
  link_file_atomically(folder / "a", folder / "c");
  remove_temporaries(folder.path());
  Names all = mine;
  all.insert({"a", "b", "c"});
  CHECK(names_in(folder.path()) == all);
  for (const std::string& name : mine) CHECK(read_file(folder / name) == "mine");
}

TEST_CASE("what writers that were killed have left can be removed") {
  const test::TempDir folder;
  folder.write("a.tandem-x0y1z2.tmp", "half");
  {
    const AtomicFile left(folder / "b.safetensors");
    REQUIRE(names_in(folder.path()).size() == 2);
    remove_temporaries(folder.path());
    CHECK(names_in(folder.path()).empty());
  }
  CHECK_NOTHROW(remove_temporaries(folder / "nowhere"));
}

TEST_CASE("a linked file is another name of the file") {
  const test::TempDir folder;
  folder.write("from", "content");
  folder.write("to", "before");
  for (int again = 0; again < 2; ++again) {
    link_file_atomically(folder / "from", folder / "to");
    CHECK(read_file(folder / "to") == "content");
    CHECK(names_in(folder.path()) == Names{"from", "to"});
  }
  std::filesystem::create_directories(folder / "busy/inner");
  CHECK(contains(error_of([&] { link_file_atomically(folder / "from", folder / "busy"); }), "/busy: cannot "));
  CHECK(names_in(folder.path()) == Names{"busy", "from", "to"});
}

TEST_CASE("a file system without fsync is no error and a full one is") {
  const test::TempDir folder;
  for (const int error : {EINVAL, ENOSYS, ENOTSUP, EOPNOTSUPP}) {
    fsync_error() = error;
    CHECK_NOTHROW(write_file_atomically(folder / "a", std::to_string(error)));
    fsync_error() = 0;
    CHECK(read_file(folder / "a") == std::to_string(error));
  }
  const std::string before = read_file(folder / "a");
  fsync_error() = ENOSPC;
  const std::string full = error_of([&] { write_file_atomically(folder / "a", "x"); });
  fsync_error() = EIO;
  const std::string broken = error_of([&] { write_file_atomically(folder / "a", "x"); });
  fsync_error() = 0;
  CHECK(full == "1: " + (folder / "a").string() + ": cannot write: No space left on device");
  CHECK(contains(broken, "cannot write: "));
  CHECK(read_file(folder / "a") == before);
  CHECK(names_in(folder.path()) == Names{"a"});
}

TEST_CASE("a path that cannot be written is an error that names it") {
  const test::TempDir folder;
  CHECK(contains(error_of([&] { write_file_atomically(folder / "no/a", "x"); }),
                 "/no/a: cannot create a file beside it: No such file or directory"));
  std::filesystem::create_directories(folder / "busy/inner");
  CHECK(contains(error_of([&] { write_file_atomically(folder / "busy", "x"); }), "/busy: cannot rename: "));
  CHECK(names_in(folder.path()) == Names{"busy"});
}

TEST_CASE("an output folder is made or refused") {
  const test::TempDir folder;
  require_writable_folder(folder / "a/b/c");
  CHECK(std::filesystem::is_empty(folder / "a/b/c"));
  require_writable_folder(folder / "a/b/c");
  folder.write("file", "x");
  CHECK(contains(error_of([&] { require_writable_folder(folder / "file"); }), "2: "));
  CHECK(contains(error_of([&] { require_writable_folder(folder / "file/b"); }), "/file/b: cannot make the folder: "));
}

TEST_CASE("an unwritable folder is refused") {
  if (::geteuid() == 0) TANDEM_SKIP("root may write everywhere");
  const test::TempDir folder;
  std::filesystem::create_directory(folder / "locked");
  std::filesystem::permissions(folder / "locked", std::filesystem::perms{0555});
  CHECK(contains(error_of([&] { require_writable_folder(folder / "locked"); }),
                 "/locked: cannot write to the folder: Permission denied"));
  CHECK(contains(error_of([&] { require_writable_folder(folder / "locked/a"); }), "cannot make the folder"));
  CHECK(contains(error_of([&] { write_file_atomically(folder / "locked/a", "x"); }), "1: "));
}

}  // namespace
}  // namespace tandem
