// Tables, deeper folders, several sources as one, and what is written from one to the other.

#include <algorithm>
#include <map>

#include "data/list/copies.h"
#include "data/loader/loader.h"
#include "data/source/convert.h"
#include "data/source/table_source.h"
#include "tests/data/source/sources.h"

namespace tandem {
namespace {

using test::contains;
using test::error_in_source;
using test::Labels;
using test::Names;
using test::source_fixture;

/// A folder with a.png to f.png.
class Fixture {
 public:
  Fixture() {
    for (int i = 0; i < 6; ++i)
      write_png(test::noise(4, 5, static_cast<std::uint32_t>(i)),
                dir / (std::string(1, static_cast<char>('a' + i)) + ".png"));
  }
  std::string table(const std::string& text, const std::string& name = "t.csv") const {
    return dir.write(name, text).string();
  }

  test::TempDir dir;
};

TEST_CASE("a table's columns are found by name, its quotes and splits heeded") {
  const Fixture f;
  std::filesystem::copy_file(f.dir / "a.png", f.dir / "x, \"y\".png");
  const std::string table = f.table(
      "\xEF\xBB\xBFsplit,label,path,group,note\r\ntrain,pear,a.png,ann,\"two\nlines\"\r\n\r\n"
      "val,apple,b.png,bob,\r\ntrain,\"red apple\",\"x, \"\"y\"\".png\",bob,-");
  const auto all = open_source({table});
  CHECK(all->classes() == Names{"apple", "pear", "red apple"});
  CHECK(all->labels() == Labels{1, 0, 2});
  const auto train = open_source({table, {}, "train"});
  CHECK(train->labels() == Labels{0, 1});
  CHECK(train->group(1) == "bob");
  CHECK(train->origin(0) == table + ":2");
  CHECK(train->origin(1) == table + ":6");
  CHECK(train->name(1) == (f.dir / "x, \"y\".png").string());
  CHECK(all->oddities() == Names{table + ": columns that are not read: note"});
  const auto tabs = open_source({f.table("path\tlabel\na.png\t1\nb.png\t0\n", "t.tsv")});
  CHECK(tabs->labels() == Labels{1, 0});
  CHECK(tabs->classes() == Names{"0", "1"});
}

TEST_CASE("a table that cannot be used is refused with its line") {
  const Fixture f;
  const auto told = [&](const std::string& text, std::optional<std::string> split = {}) {
    return error_in_source({f.table(text), {}, std::move(split)});
  };
  const std::string name = "2: " + (f.dir / "t.csv").string();
  CHECK(contains(told("file,label\na.png,1\n"), name + ":1: no column path: expected path, label"));
  CHECK(contains(told("path,label,weight\na.png,0,2\n"), name + ":1: images cannot have weights of their own"));
  CHECK(contains(told("path,label\na.png\n"), name + ":2: 1 fields: expected 2"));
  CHECK(contains(told("path,label\n\"a.png,0\n"), name + ":2: a quote that is not closed"));
  CHECK(contains(told("path,label\n\"a\"x,0\n"), name + ":2: text behind a closing quote"));
  CHECK(contains(told("path,label\na.png,0\nb.png,\n"), name + ":3: has no label"));
  CHECK(contains(told("path,label\na.png,0\nnone.png,0\n"), name + ":3: " + (f.dir / "none.png").string()));
  CHECK(contains(told("path,label\na.png,0\n", "train"), "no column split"));
  CHECK(contains(told("path,label,split\na.png,0,val\n", "train"), "no image of the split 'train'"));
  CHECK(contains(told("path,label\n"), "the table is empty"));
}

TEST_CASE("a split or a root is refused where it means nothing") {
  CHECK(contains(error_in_source({source_fixture("encoded.mdb"), {}, "train"}),
                 "a split is asked for: expected a table"));
  CHECK(contains(error_in_source({source_fixture("pax.tar"), "/tmp"}), "a root is given: expected none"));
  const Fixture f;
  const std::string list = f.dir.write("list.txt", "a.png 0\nb.png 1\n").string();
  CHECK(contains(error_in_source({list, {}, "train"}), "a split is asked for"));
  CHECK(contains(error_in_source({f.dir.write("x.tar.gz", "\x1f\x8b").string()}), "expected it unpacked"));
}

TEST_CASE("a folder with two stars has its images in deeper folders too") {
  const Fixture f;
  for (const char* to : {"set/pear/a.png", "set/apple/x/b.png", "set/apple/x/y/c.png"}) {
    std::filesystem::create_directories((f.dir / to).parent_path());
    std::filesystem::copy_file(f.dir / (std::filesystem::path(to).stem().string() + ".png"), f.dir / to);
  }
  f.dir.write("set/apple/x/note.txt", "x");
  const std::string set = (f.dir / "set").string();
  CHECK(open_source({set})->size() == 1);
  for (const char* stars : {"/**", "/**/"}) {
    const auto source = open_source({set + stars});
    CHECK(source->classes() == Names{"apple", "pear"});
    CHECK(source->labels() == Labels{0, 0, 1});
    CHECK(source->name(1) == set + "/apple/x/y/c.png");
    CHECK(source->oddities() == Names{set + ": not read: 1 file of other types"});
  }
  CHECK(contains(error_in_source({set + "/nowhere/**"}), "expected a folder before the two stars"));
}

TEST_CASE("joined sources have the classes of the first, and weights say how often an image is shown") {
  const Fixture f;
  f.dir.write("one/classes.txt", "x\ny\n");
  f.dir.write("two/classes.txt", "y\nx\n");
  const std::string root = f.dir.path().string();
  const std::string one = f.dir.write("one/list.txt", "a.png x\nb.png y\nc.png y\n").string();
  const std::string two = f.dir.write("two/list.txt", "d.png y\ne.png x\n").string();
  const std::vector<SourceSpec> specs = {{one, root, {}, 1}, {two, root, {}, 2.5}};
  const auto source = open_sources(specs);
  CHECK(source->labels() == Labels{0, 1, 1, 1, 0});
  CHECK(source->origin(3) == two + ":1");
  CHECK(source->parts() == std::vector<SourcePart>{{3, 3}, {2, 5}});
  CHECK(test::same(read_image(*source, 4), test::noise(4, 5, 4)));

  // Two epochs show each image of the second source five times, each epoch every image of the first once.
  PairStream stream(source->labels(), {}, 7, source->parts());
  std::map<std::uint32_t, int> shown;
  for (std::int64_t position = 0; position < 16; ++position) {
    ++shown[stream.image(0, position)];
    if (position == 7) {
      for (const std::uint32_t image : {0U, 1U, 2U}) CHECK(shown[image] == 1);
      CHECK(std::abs(shown[3] - shown[4]) == 1);
    }
  }
  CHECK(shown == std::map<std::uint32_t, int>{{0, 2}, {1, 2}, {2, 2}, {3, 5}, {4, 5}});
  CHECK(stream.steps_before_epoch_end(0) == 1);
  // Begun in the middle it goes on as it did.
  PairStream middle(source->labels(), {}, 7, source->parts());
  for (std::int64_t position : {40, 13, 5})
    for (const std::uint32_t s : {0U, 1U}) CHECK(middle.image(s, position) == stream.image(s, position));
  // Without weights the order is that of one list.
  PairStream plain(source->labels(), {}, 7), equal(source->labels(), {}, 7, {{3, 3}, {2, 2}});
  for (std::int64_t position = 0; position < 20; ++position)
    CHECK(plain.image(1, position) == equal.image(1, position));

  f.dir.write("two/classes.txt", "y\nz\n");
  f.dir.write("two/list.txt", "d.png z\n");
  CHECK(contains(test::error_of([&] { (void)open_sources(specs); }), "'z' is none of the classes of " + one));
}

TEST_CASE("a loader reads a database as it reads the files, and copies are found in it") {
  const Fixture f;
  std::string text;
  const std::pair<const char*, int> files[] = {{"rgb.png", 2}, {"smooth.jpg", 0}, {"turned.jpg", 1}, {"grey.png", 2}};
  for (const auto& [name, label] : files) text += test::picture(name).string() + " " + std::to_string(label) + "\n";
  const auto list = open_source({f.dir.write("list.txt", text).string()});
  const auto database = open_source({source_fixture("encoded.mdb")});
  CHECK(list->labels() == database->labels());
  PairLoaderOptions options;
  options.pairs.batch = 2;
  options.input.size = 16;
  options.last_step = 4;
  PairLoader a(*list, options), b(*database, options);
  for (int step = 0; step < 4; ++step) {
    const Batch from_list = a.next(), from_database = b.next();
    CHECK(from_list.pixels == from_database.pixels);
    CHECK(from_list.labels == from_database.labels);
  }
  CHECK(find_copies(*list, database.get()).shared == 4);
}

TEST_CASE("what is converted keeps its bytes, its labels and the names of its classes") {
  const test::TempDir dir;
  const std::string from = source_fixture("pax.tar");
  const auto original = open_source({from});
  CHECK(convert_source({{from}, dir / "list"}) == 4);
  CHECK(convert_source({{(dir / "list/list.txt").string()}, dir / "set.lmdb"}) == 4);
  std::filesystem::create_directory(dir / "shards");
  CHECK(convert_source({{(dir / "set.lmdb").string()}, dir / "shards/s.tar", 3}) == 4);
  CHECK(convert_source({{(dir / "shards/s-{000000..000001}.tar").string()}, dir / "again"}) == 4);
  for (const char* name : {"list/list.txt", "set.lmdb", "shards/s-{000000..000001}.tar", "again/list.txt"}) {
    INFO(name);
    const auto source = open_source({(dir / name).string()});
    CHECK(source->labels() == original->labels());
    CHECK(source->classes() == original->classes());
    REQUIRE(source->size() == 4);
    for (std::size_t i = 0; i < 4; ++i)
      CHECK(std::get<0>(source->content(i, kDefaultMaxPixels)) == std::get<0>(original->content(i, kDefaultMaxPixels)));
  }
  CHECK(contains(test::error_of([&] { convert_source({{from}, dir / "list"}); }), "is there already"));
  dir.write("shards/classes.txt", "x\ny\nz\n");
  CHECK(contains(test::error_of([&] { convert_source({{from}, dir / "shards/t.tar"}); }), "names other classes than"));
  CHECK_FALSE(std::filesystem::exists(dir / "shards/t.tar"));
}

TEST_CASE("a failed conversion leaves nothing behind, and pixels are kept exactly") {
  const test::TempDir dir;
  const auto original = open_source({source_fixture("raw.mdb")});
  for (const char* name : {"raw.lmdb", "raw.tar"}) {
    CHECK(convert_source({{source_fixture("raw.mdb")}, dir / name}) == 301);
    const auto source = open_source({(dir / name).string()});
    REQUIRE(source->size() == 301);
    CHECK(source->labels() == original->labels());
    for (std::size_t i = 0; i < 301; ++i) REQUIRE(test::same(read_image(*source, i), read_image(*original, i)));
  }
  const auto bad = dir.write("bad/list.txt", "list.txt 0\n");
  dir.write("new/other", "");
  for (const char* out : {"out", "out.lmdb", "out.tar"}) {
    const auto place = dir / ("new/" + std::string(out));
    const std::string error = test::error_of([&] { convert_source({{bad.string()}, place}); });
    CAPTURE(error);
    CHECK(contains(error, "list.txt: not an image"));
    CHECK_FALSE(std::filesystem::exists(place));
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir.path()))
    CHECK_FALSE(contains(entry.path().filename().string(), ".tandem-"));
}

}  // namespace
}  // namespace tandem
