#pragma once
// A labelled image list: from a list file or from a folder with one subfolder a class.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/list/class_names.h"
#include "data/source/image_source.h"

namespace tandem {

/// One image of a list.
struct ImageSample {
  std::string path;    // to open, relative to the current directory or absolute
  std::int32_t label;  // in [0, number of classes)
  std::string origin;  // who names the image, "train.txt:12"; for a folder, the folder
};

/// Files of a folder that are no images of its classes.
struct UnreadFiles {
  std::size_t other_types = 0;  // in the classes' folders, of any type but the five
  std::size_t deeper = 0;       // in folders within those
  std::size_t outside = 0;      // images beside the classes' folders
};

/// A line of a list, or of a table, or a file of a folder.
struct ListEntry {
  std::string path;
  std::int32_t label;
  std::uint32_t line;  // 1-based; 0 in a folder
};

/// Labelled image files; every one existed when the list was loaded.
///
/// A list file is UTF-8 text with one `path label` a line, parted by the line's last blank, so that paths may have
/// spaces. Blank lines, CRLF line ends and a byte order mark are accepted. Relative paths start at `root`; an empty
/// root is the list's own folder. A given root is relative to the current directory, like any path of a command line.
/// The system resolves paths: ".." behind a link to a folder is the folder above the link's target. A label is a
/// class's number, from 0, or its name, where the classes have names; a name with spaces goes after a tab.
///
/// In a folder, each subfolder with an image in it is a class, in the order of their names, and its images are those
/// files that is_image_file() says are, in the order of their names. What read_folder() leaves out is not looked at;
/// other files and deeper folders are counted. Links to folders are followed, but not back to the folder itself. A
/// folder named with "/**" behind it has its classes' images in deeper folders too.
///
/// Class names come from classes.txt, one name a line: beside the list or in `root`; for a folder, in it, beside it
/// or in `root`, and then its order (not that of the names) numbers the classes. Without it a list's classes
/// are called "0", "1", ... Names are composed (class_names.h): two spellings of one name are one class.
class ImageList : public ImageSource {
 public:
  /// Loads a list file or a folder. `classes`, if given, is the number of classes the caller expects. Throws
  /// InputError, with file and line, for: a list that is missing, empty or not UTF-8; a label that is missing, means no
  /// class, or is so large that it must be mistyped; classes other in number than expected or whose names are not
  /// UTF-8; image files that cannot be read (names the first; of those missing it says how many there are).
  static ImageList load(const std::filesystem::path& path, const std::filesystem::path& root = {},
                        std::optional<int> classes = {});
  /// The same for a network that knows its classes: subfolders, and labels that classes.txt gives names to, are matched
  /// with them by name; a class may be missing. So are labels that are numbers, where the network has a class that is
  /// called by another number than its own; else they are the network's numbers. InputError for a class that the
  /// network does not know.
  static ImageList load_known(const std::filesystem::path& path, const std::filesystem::path& root,
                              const std::vector<std::string>& classes);
  /// The same as both: `number` classes, or those that are `known`.
  static ImageList load(const std::filesystem::path& path, const std::filesystem::path& root, std::optional<int> number,
                        const ClassNames& known);

  std::size_t size() const override { return entries_.size(); }
  std::int32_t label(std::size_t i) const override { return entries_[i].label; }
  std::string name(std::size_t i) const override { return entries_[i].path; }
  std::string origin(std::size_t i) const override;
  /// The file's name: a run may go on with files that were moved.
  std::string identity(std::size_t i) const override;
  ImageContent content(std::size_t i, std::int64_t max_pixels) const override;
  bool is_of_files() const override { return true; }
  std::uint64_t stored_bytes(std::size_t i) const override;
  bool read_stored(std::size_t i, std::uint64_t from, std::span<std::uint8_t> bytes) const override;

  ImageSample sample(std::size_t i) const { return {name(i), label(i), origin(i)}; }
  const UnreadFiles& unread() const { return unread_; }

 protected:
  /// A list that others have made. InputError for files that cannot be read.
  ImageList(std::string source, std::vector<ListEntry> entries);

 private:
  ImageList() = default;

  struct ClassFolder {
    std::string name;
    std::vector<std::string> images;  // paths
  };

  std::vector<ListEntry> entries_;
  UnreadFiles unread_;
  bool is_nested_ = false;  // a folder with deeper ones

  void load_list(const std::filesystem::path& root, std::optional<int> number, const ClassNames& known);
  void number_classes(std::optional<int> number);
  void load_folder(const std::filesystem::path& root, std::optional<int> number, const ClassNames& known);
  std::vector<ClassFolder> class_folders();
  std::vector<std::string> images_in(const std::filesystem::path& folder);
  void tell_unread();
  void check_files();
};

}  // namespace tandem
