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
/// root is the list's own folder. A given root is relative to the current directory, like any path of a command line. A
/// label is a class's number, from 0, or its name, where the classes have names; a name with spaces goes after a tab.
///
/// In a folder, each subfolder is a class, in the order of their names, and its .jpg, .jpeg, .png, .bmp and .webp files
/// are its images, in the order of their names. Hidden files are not looked at; others and deeper folders are counted.
///
/// Class names come from classes.txt, one name a line: beside the list or in `root`; for a folder, in it, beside it
/// or in `root`, and then its order (not that of the names) numbers the classes. Without it a list's classes
/// are called "0", "1", ...
class ImageList {
 public:
  /// Loads a list file or a folder. `classes`, if given, is the number of classes the caller expects. Throws
  /// InputError, with file and line, for: a list that is missing, empty or not UTF-8; a label that is missing, means no
  /// class, or is so large that it must be mistyped; classes other in number than expected or whose names are not
  /// UTF-8; image files that cannot be read (names the first; of those missing it says how many there are).
  static ImageList load(const std::filesystem::path& path, const std::filesystem::path& root = {},
                        std::optional<int> classes = {});
  /// The same for a network that knows its classes: subfolders, and labels that classes.txt gives names to, are matched
  /// with them by name; a class may be missing. InputError for one that the network does not know.
  static ImageList load_known(const std::filesystem::path& path, const std::filesystem::path& root,
                              std::vector<std::string> classes);

  std::size_t size() const { return entries_.size(); }
  /// The list file or folder, as the caller named it.
  const std::string& source() const { return source_; }
  /// The names of the classes; a label is an index into them.
  const std::vector<std::string>& classes() const { return classes_; }
  std::int32_t label(std::size_t i) const { return entries_[i].label; }
  /// Every image's label.
  std::vector<std::int32_t> labels() const;
  ImageSample sample(std::size_t i) const;
  const UnreadFiles& unread() const { return unread_; }

 private:
  struct Entry {
    std::string path;
    std::int32_t label;
    std::uint32_t line;  // 1-based; 0 in a folder
  };

  std::string source_;
  std::vector<std::string> classes_;
  std::vector<Entry> entries_;
  UnreadFiles unread_;

  static ImageList load(const std::filesystem::path& path, const std::filesystem::path& root, std::optional<int> number,
                        const ClassNames& known);
  void load_list(const std::filesystem::path& root, std::optional<int> number, const ClassNames& known);
  void number_classes(std::optional<int> number);
  void load_folder(const std::filesystem::path& root, std::optional<int> number, const ClassNames& known);
  std::vector<std::string> subfolders();
  void load_class(const std::filesystem::path& folder, std::int32_t label);
  void check_files() const;
};

}  // namespace tandem
