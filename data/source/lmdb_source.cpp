#include "data/source/lmdb_source.h"

#include <utility>

#include "core/base/error.h"
#include "data/list/files.h"
#include "data/source/format/datum.h"
#include "data/source/format/lmdb_file.h"
#include "data/source/format/names.h"

namespace tandem {

namespace fs = std::filesystem;

LmdbSource::LmdbSource(const fs::path& path, const ExpectedClasses& expected) {
  source_ = path.string();
  const bool is_folder = file_type_of(path) == fs::file_type::directory;
  files_.emplace_back(is_folder ? path / "data.mdb" : path);
  LabelWords words;
  for (const LmdbEntry& entry : read_lmdb(files_[0])) {
    keys_.push_back(on_one_line(entry.key));
    const std::string title = name(keys_.size() - 1);
    const Datum datum = read_datum(files_[0], entry.begin, entry.bytes, title);
    planes_.push_back(datum.encoded ? Planes{0, 0, 0} : datum.planes);
    places_.push_back({datum.begin, datum.bytes, 0});
    words.add(std::to_string(datum.label));
  }
  const fs::path folder = is_folder ? path : path.parent_path();
  label_images(words, false, ClassNames::read({folder, folder_of(folder)}, expected.number), expected);
}

std::string LmdbSource::name(std::size_t i) const { return source_ + ":" + keys_[i]; }

ImageContent LmdbSource::content(std::size_t i, std::int64_t max_pixels) const {
  std::vector<std::uint8_t> bytes = stored(i);
  if (planes_[i].channels == 0) return bytes;
  return picture_of(planes_[i], bytes, title(i), max_pixels);
}

}  // namespace tandem
