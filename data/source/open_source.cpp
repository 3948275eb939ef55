#include "data/source/open_source.h"

#include <functional>
#include <utility>

#include "core/base/error.h"
#include "data/list/files.h"
#include "data/list/image_list.h"
#include "data/source/cifar_source.h"
#include "data/source/class_labels.h"
#include "data/source/format/lmdb_file.h"
#include "data/source/format/names.h"
#include "data/source/format/tar_file.h"
#include "data/source/idx_source.h"
#include "data/source/joined_source.h"
#include "data/source/lmdb_source.h"
#include "data/source/table_source.h"
#include "data/source/tar_source.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;
using Source = std::unique_ptr<const ImageSource>;

enum class Kind { list, table, lmdb, tar, idx, cifar };

Kind kind_of(const fs::path& path) {
  const fs::file_type type = file_type_of(path);
  if (type == fs::file_type::directory)
    return file_type_of(path / "data.mdb") == fs::file_type::not_found ? Kind::list : Kind::lmdb;
  if (type != fs::file_type::regular) return Kind::list;  // which says what is wrong
  const fs::path ending = path.extension();
  if (ending == ".csv" || ending == ".tsv") return Kind::table;
  if (ending == ".mdb" || is_lmdb(path)) return Kind::lmdb;
  if (ending == ".tar" || is_tar(path)) return Kind::tar;
  if (is_idx(path)) return Kind::idx;
  if (ending == ".bin") return Kind::cifar;
  if (ending == ".gz" || ending == ".tgz" || ending == ".zst")
    fail_input("{}: a packed file, which cannot be read in place: expected it unpacked", path.string());
  return Kind::list;
}

void check_options(const SourceSpec& spec, Kind kind) {
  if (spec.split && kind != Kind::table)
    fail_input("{}: a split is asked for: expected a table (.csv or .tsv) with a column split", spec.path);
  if (!spec.root.empty() && kind != Kind::list && kind != Kind::table)
    fail_input("{}: a root is given: expected none, since its images are within it", spec.path);
  if (!spec.root.empty() && file_type_of(spec.root) != fs::file_type::directory)
    fail_input("{}: no such folder: expected the root of {}", spec.root.string(), spec.path);
}

Source open_file(const SourceSpec& spec, Kind kind, const ExpectedClasses& expected) {
  check_options(spec, kind);
  switch (kind) {
    case Kind::table:
      return std::make_unique<TableSource>(TableSource::load(spec.path, spec.root, spec.split, expected));
    case Kind::lmdb:
      return std::make_unique<LmdbSource>(spec.path, expected);
    case Kind::tar:
      return std::make_unique<TarSource>(spec.path, std::vector<fs::path>{spec.path}, expected);
    case Kind::idx:
      return std::make_unique<IdxSource>(spec.path, expected);
    case Kind::cifar:
      return std::make_unique<CifarSource>(spec.path, expected);
    case Kind::list:
      break;
  }
  return std::make_unique<ImageList>(ImageList::load(spec.path, spec.root, expected.number, expected.known));
}

/// Opens sources whose classes are those of the first.
Source join(std::size_t count, const ExpectedClasses& expected,
            const std::function<JoinedSource::Part(std::size_t, const ExpectedClasses&)>& open) {
  std::vector<JoinedSource::Part> parts;
  parts.push_back(open(0, expected));
  const ImageSource& first = *parts[0].source;
  const ExpectedClasses same{
      {}, expected.known.empty() ? ClassNames(first.classes(), "the classes of " + first.source()) : expected.known};
  for (std::size_t i = 1; i < count; ++i) parts.push_back(open(i, same));
  return std::make_unique<JoinedSource>(std::move(parts));
}

Source open_one(const SourceSpec& spec, const ExpectedClasses& expected) {
  if (file_type_of(spec.path) != fs::file_type::not_found) return open_file(spec, kind_of(spec.path), expected);
  const std::vector<std::string> names = expand_braces(spec.path);
  if (names.size() == 1 && names[0] == spec.path) return open_file(spec, Kind::list, expected);
  std::vector<fs::path> shards;
  for (const std::string& name : names) {
    if (file_type_of(name) == fs::file_type::not_found) fail_input("{}: {}: no such file", spec.path, name);
    if (kind_of(name) == Kind::tar) shards.emplace_back(name);
  }
  if (shards.size() == names.size()) {
    check_options(spec, Kind::tar);
    return std::make_unique<TarSource>(spec.path, shards, expected);
  }
  return join(names.size(), expected, [&](std::size_t i, const ExpectedClasses& classes) {
    SourceSpec one = spec;
    one.path = names[i];
    return JoinedSource::Part{open_file(one, kind_of(names[i]), classes), 1};
  });
}

}  // namespace

Source open_source(const SourceSpec& spec, std::optional<int> classes) { return open_one(spec, {classes, {}}); }

Source open_known_source(const SourceSpec& spec, const std::vector<std::string>& classes) {
  return open_one(spec, {{}, {classes, "the network's classes"}});
}

Source open_sources(std::span<const SourceSpec> specs, std::optional<int> classes) {
  if (specs.size() == 1 && specs[0].weight == 1) return open_source(specs[0], classes);
  return join(specs.size(), {classes, {}}, [&](std::size_t i, const ExpectedClasses& expected) {
    return JoinedSource::Part{open_one(specs[i], expected), specs[i].weight};
  });
}

}  // namespace tandem
