#include "tools/lists/grouping.h"

#include <filesystem>

#include "core/base/error.h"
#include "tests/data/image/pictures.h"
#include "tests/support/catch.h"
#include "tests/support/temp_dir.h"

namespace tandem::tools {
namespace {

using Groups = std::vector<std::vector<std::size_t>>;
using test::contains;

/// Five files that are named by a list; their content does not matter.
struct Fixture {
  Fixture() {
    for (const char* name : {"u1-a.png", "u1-b.png", "u2-a.png", "in/u2-b.png", "u3-a.png"}) dir.write(name, name);
    dir.write("list.txt", "u1-a.png 0\nu1-b.png 1\nu2-a.png 0\nin/u2-b.png 1\nu3-a.png 0\n");
  }
  Parts parts() const { return Parts({dir / "list.txt"}, {}); }
  std::string refusal(const std::string& table, const std::string& column = "user") const {
    dir.write("bad.csv", table);
    return test::message_of<InputError>([&] { groups_by_column(parts(), dir / "bad.csv", "path", column); });
  }
  test::TempDir dir;
};

TEST_CASE("images are grouped by a table's column, whichever way it names them") {
  const Fixture f;
  const Groups expected = {{0, 1}, {2, 3}};
  const std::string whole = (f.dir / "u1-a.png").string();
  f.dir.write("a.csv", "user,path,note\nann," + whole +
                           ",\"x, \"\"y\"\"\"\nann,u1-b,\nbob,u2-a.png,\nbob,in/u2-b.png,\n,u3-a,\n");
  CHECK(groups_by_column(f.parts(), f.dir / "a.csv", "path", "user") == expected);
  f.dir.write("a.tsv", "file\tuploader name\nu1-a\tann, a\nu1-b\tann, a\nu2-a\tbob\nu2-b\tbob\nu3-a\n");
  CHECK(groups_by_column(f.parts(), f.dir / "a.tsv", "file", "uploader name") == expected);
  const Table table = read_table(f.dir / "a.csv");
  CHECK(table.rows[0][2] == "x, \"y\"");
}

TEST_CASE("a table that does not say where an image belongs is refused") {
  const Fixture f;
  CHECK(contains(f.refusal("path,user\nu1-a,x\nu1-b,x\nu2-a,x\nu2-b,x\n"), "bad.csv: no row for "));
  CHECK(contains(f.refusal("path,user\nu1-a,x\nu1-a,y\n"), "bad.csv: 'u1-a' is in two groups, 'x' and 'y'"));
  CHECK(contains(f.refusal("path,user\nu1-a,x\n", "owner"), "bad.csv: no column 'owner': expected one of path, user"));
  CHECK(contains(f.refusal("path,user\nu1-a,x,y\n"), "bad.csv:2: 3 fields: expected 2"));
  CHECK(contains(f.refusal(""), "is empty"));
  CHECK(contains(test::message_of<InputError>([&] { read_table(f.dir / "none.csv"); }), "none.csv"));
}

TEST_CASE("images are grouped by what their paths have in common") {
  const Fixture f;
  const Groups expected = {{0, 1}, {2, 3}};
  CHECK(groups_by_pattern(f.parts(), "/(u[0-9])-") == expected);
  CHECK(groups_by_pattern(f.parts(), "u[0-9]-") == expected);
  CHECK(contains(test::message_of<InputError>([&] { groups_by_pattern(f.parts(), "u[12]-"); }),
                 "u3-a.png does not match 'u[12]-'"));
  CHECK(contains(test::message_of<InputError>([&] { groups_by_pattern(f.parts(), "(u"); }),
                 "'(u': not a regular expression"));
}

}  // namespace
}  // namespace tandem::tools
