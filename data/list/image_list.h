#pragma once
// A labelled image list: from a list file or from a folder with one subfolder a class.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "data/list/class_names.h"

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

/// An immutable list of labelled images; never empty, and every file existed when it was loaded. Threads may share it.
///
/// A list file is UTF-8 text with one `path label` a line, parted by the line's last blank, so that paths may have
/// spaces. Blank lines, CRLF line ends and a byte order mark are accepted. Relative paths start at `root`; an empty
/// root is the list's own folder. A given root is relative to the current directory, like any path of a command line.
/// The system resolves paths: ".." behind a link to a folder is the folder above the link's target. A label is a
/// class's number, from 0, or its name, where the classes have names; a name with spaces goes after a tab.
///
/// In a folder, each subfolder with an image in it is a class, in the order of their names, and its images are those
/// files that is_image_file() says are, in the order of their names. What read_folder() leaves out is not looked at;
/// other files and deeper folders are counted. Links to folders are followed, but not back to the folder itself.
///
/// Class names come from classes.txt, one name a line: beside the list or in `root`; for a folder, in it, beside it
/// or in `root`, and then its order (not that of the names) numbers the classes. Without it a list's classes
/// are called "0", "1", ... Names are composed (class_names.h): two spellings of one name are one class.
class ImageList {
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

  std::size_t size() const { return entries_.size(); }
  /// The list file or folder, as the caller named it.
  const std::string& source() const { return source_; }
  /// The names of the classes; a label is an index into them.
  const std::vector<std::string>& classes() const { return classes_; }
  std::int32_t label(std::size_t i) const { return entries_[i].label; }
  /// Every image's label.
  std::vector<std::int32_t> labels() const;
  ImageSample sample(std::size_t i) const;
  /// Where the classes and their names come from, a line that begins with the source.
  const std::string& naming() const { return naming_; }
  const UnreadFiles& unread() const { return unread_; }
  /// Lines on what is odd about the source and its owner may not know: subfolders that are no classes.
  const std::vector<std::string>& oddities() const { return oddities_; }

 private:
  struct Entry {
    std::string path;
    std::int32_t label;
    std::uint32_t line;  // 1-based; 0 in a folder
  };

  struct ClassFolder {
    std::string name;
    std::vector<std::string> images;  // paths
  };

  std::string source_;
  std::vector<std::string> classes_;
  std::vector<Entry> entries_;
  std::string naming_;
  UnreadFiles unread_;
  std::vector<std::string> oddities_;

  static ImageList load(const std::filesystem::path& path, const std::filesystem::path& root, std::optional<int> number,
                        const ClassNames& known);
  void load_list(const std::filesystem::path& root, std::optional<int> number, const ClassNames& known);
  void number_classes(std::optional<int> number);
  void load_folder(const std::filesystem::path& root, std::optional<int> number, const ClassNames& known);
  std::vector<ClassFolder> class_folders();
  std::vector<std::string> images_in(const std::filesystem::path& folder);
  void check_files();
};

}  // namespace tandem
