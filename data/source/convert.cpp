#include "data/source/convert.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <functional>
#include <map>
#include <string>
#include <system_error>
#include <utility>

#include "core/base/error.h"
#include "data/image/codec/codec.h"
#include "data/image/image_header.h"
#include "data/list/class_names.h"
#include "data/list/files.h"
#include "data/source/format/datum.h"
#include "data/source/format/lmdb_file.h"
#include "data/source/format/tar_file.h"
#include "io/atomic_file.h"

namespace tandem {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<std::uint8_t>;

/// "jpg" for a file's content, else the ending of its name; InputError if that is no image's.
std::string ending_of(const Bytes& file, const std::string& name) {
  const std::map<ImageFormat, const char*> endings = {
      {ImageFormat::jpeg, "jpg"}, {ImageFormat::png, "png"}, {ImageFormat::bmp, "bmp"}, {ImageFormat::webp, "webp"}};
  const auto known = endings.find(read_image_header(file).format);
  if (known != endings.end()) return known->second;
  if (!is_image_name(name)) fail_input("{}: not an image: expected {}", name, codec_formats());
  return fs::path(name).extension().string().substr(1);
}

/// The image as a file: its bytes, and what they are called in a row of files.
struct ImageFile {
  Bytes bytes;
  std::string stem, name;
};

ImageFile file_of(const ImageSource& source, std::size_t i) {
  ImageFile file{{}, fmt::format("{:08}", i), ""};
  ImageContent content = source.content(i, kDefaultMaxPixels);
  std::string ending = "png";
  if (auto* const bytes = std::get_if<Bytes>(&content)) {
    ending = ending_of(*bytes, source.title(i));
    file.bytes = std::move(*bytes);
  } else {
    file.bytes = codec_encode_png(std::get<Image>(content));
  }
  file.name = file.stem + "." + ending;
  return file;
}

std::string classes_text(const ImageSource& source) {
  std::string text;
  for (const std::string& name : source.classes()) text += name + "\n";
  return text;
}

/// A folder that appears under its name when everything is in it.
class NewFolder {
 public:
  explicit NewFolder(fs::path path) : path_(std::move(path)) {
    std::string name = path_.string() + ".tandem-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr)
      fail("{}: cannot create a folder beside it: {}", path_.string(), std::strerror(errno));
    temporary_ = name;
    // As other folders are; mkdtemp makes one for its owner alone.
    fs::permissions(temporary_, fs::perms::owner_all | fs::perms::group_read | fs::perms::group_exec |
                                    fs::perms::others_read | fs::perms::others_exec);
  }
  ~NewFolder() {
    std::error_code ignored;
    if (!temporary_.empty()) fs::remove_all(temporary_, ignored);
  }
  NewFolder(const NewFolder&) = delete;
  NewFolder& operator=(const NewFolder&) = delete;

  const fs::path& path() const { return temporary_; }
  void commit() {
    std::error_code error;
    fs::rename(temporary_, path_, error);
    if (error) fail("{}: cannot name the folder: {}", path_.string(), error.message());
    temporary_.clear();
    sync_folder(folder_of(path_));
  }

 private:
  fs::path path_, temporary_;
};

void write_list(const ImageSource& source, const fs::path& out) {
  NewFolder folder(out);
  fs::create_directory(folder.path() / "images");
  std::string lines;
  for (std::size_t i = 0; i < source.size(); ++i) {
    const ImageFile file = file_of(source, i);
    AtomicFile written(folder.path() / "images" / file.name);
    written.write(std::as_bytes(std::span(file.bytes)));
    written.commit();
    lines += fmt::format("images/{}\t{}\n", file.name, source.classes()[static_cast<std::size_t>(source.label(i))]);
  }
  write_file_atomically(folder.path() / "list.txt", lines);
  write_file_atomically(folder.path() / "classes.txt", classes_text(source));
  folder.commit();
}

void write_lmdb(const ImageSource& source, const fs::path& out) {
  NewFolder folder(out);
  LmdbWriter database(folder.path() / "data.mdb");
  for (std::size_t i = 0; i < source.size(); ++i) {
    const ImageContent content = source.content(i, kDefaultMaxPixels);
    const auto* const bytes = std::get_if<Bytes>(&content);
    if (bytes != nullptr) (void)ending_of(*bytes, source.title(i));  // an image, or refused
    database.add(fmt::format("{:010}", i), bytes != nullptr ? encoded_datum(*bytes, source.label(i))
                                                            : raw_datum(std::get<Image>(content), source.label(i)));
  }
  database.commit();
  write_file_atomically(folder.path() / "classes.txt", classes_text(source));
  folder.commit();
}

/// Names the classes beside archives; InputError if somebody has named others there.
void name_classes(const ImageSource& source, const fs::path& folder) {
  const ClassNames there = ClassNames::read({folder}, {});
  if (there.empty())
    write_file_atomically(folder / "classes.txt", classes_text(source));
  else if (there.names() != source.classes())
    fail_input("{}: names other classes than {}: expected {}", (folder / "classes.txt").string(), source.source(),
               short_list(source.classes()));
}

void write_tar(const ImageSource& source, const fs::path& path, std::size_t begin, std::size_t end) {
  TarWriter archive(path);
  for (std::size_t i = begin; i < end; ++i) {
    const ImageFile file = file_of(source, i);
    archive.add(file.name, file.bytes);
    const std::string label = std::to_string(source.label(i));
    archive.add(file.stem + ".cls", std::span(reinterpret_cast<const std::uint8_t*>(label.data()), label.size()));
  }
  archive.commit();
}

void require_absent(const fs::path& path) {
  if (file_type_of(path) != fs::file_type::not_found)
    fail_input("{}: is there already: expected a new name", path.string());
}

void write_shards(const ImageSource& source, const fs::path& out, std::size_t shard) {
  name_classes(source, folder_of(out));
  const auto name = [&](std::size_t number) {
    return out.parent_path() / fmt::format("{}-{:06}.tar", out.stem().string(), number);
  };
  const std::size_t shards = (source.size() + shard - 1) / shard;
  for (std::size_t s = 0; s < shards; ++s) require_absent(name(s));
  for (std::size_t s = 0; s < shards; ++s)
    write_tar(source, name(s), s * shard, std::min(source.size(), (s + 1) * shard));
}

}  // namespace

std::size_t convert_source(const ConvertOptions& options) {
  const fs::path out = options.out.has_filename() ? options.out : options.out.parent_path();
  const bool is_tar = out.extension() == ".tar";
  if (options.shard && !is_tar) fail_input("{}: --shard is given: expected a name that ends in .tar", out.string());
  if (file_type_of(folder_of(out)) != fs::file_type::directory)
    fail_input("{}: no such folder: expected that of {}", folder_of(out).string(), out.string());
  require_absent(out);
  const auto source = open_source(options.source);
  if (is_tar && options.shard) {
    write_shards(*source, out, static_cast<std::size_t>(*options.shard));
  } else if (is_tar) {
    name_classes(*source, folder_of(out));
    write_tar(*source, out, 0, source->size());
  } else if (out.extension() == ".lmdb") {
    write_lmdb(*source, out);
  } else {
    write_list(*source, out);
  }
  return source->size();
}

int run_convert(const ConvertOptions& options) {
  const std::size_t images = convert_source(options);
  fmt::print("{}: {} image{} written\n", options.out.string(), images, images == 1 ? "" : "s");
  return 0;
}

}  // namespace tandem
