#include "train/run_folder.h"

#include <fstream>
#include <set>

#include "tests/support/tiny_run.h"
#include "tests/train/errors.h"
#include "train/atomic_file.h"

namespace tandem {
namespace {

using test::contains;
using test::error_of;
using test::TempDir;

std::set<std::string> names_in(const std::filesystem::path& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) names.insert(entry.path().filename().string());
  return names;
}

TEST_CASE("a copy appears whole or not at all") {
  const TempDir dir;
  const std::string content(std::size_t{3} << 20, 'x');
  for (const std::string& bytes : {content, content + "tail", std::string()}) {
    dir.write("from", bytes);
    copy_file_atomically(dir / "from", dir / "to");
    CHECK((test::read_file(dir / "to") == bytes));
  }
  CHECK(contains(error_of([&] { copy_file_atomically(dir / "nowhere", dir / "to"); }), "/nowhere: cannot read: "));
  CHECK(contains(error_of([&] { copy_file_atomically(dir.path(), dir / "to"); }), ": cannot read: "));
  CHECK(names_in(dir.path()) == std::set<std::string>{"from", "to"});
}

}  // namespace
}  // namespace tandem
