#pragma once
// A labelled image list: from a list file or from a folder with one subfolder a class.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace tandem {

/// One image of a list.
struct ImageSample {
  std::string path;    // to open, relative to the current directory or absolute
  std::int32_t label;  // in [0, number of classes)
  std::string origin;  // who names the image, "train.txt:12"; for a folder, the folder
};

/// An immutable list of labelled images; never empty, and every file existed when it was loaded. Threads may share it.
///
/// A list file has one `path label` a line, parted by the line's last blank, so that paths may have spaces. Blank
/// lines, CRLF line ends and a UTF-8 byte order mark are accepted. Relative paths start at `root`; an empty root is the
/// list's own folder. A given root is relative to the current directory, like any path of a command line.
///
/// In a folder, each subfolder is a class, in the order of their names, and its .jpg, .jpeg, .png, .bmp and .webp files
/// are its images, in the order of their names. Hidden files and deeper folders are not looked at.
///
/// Class names come from classes.txt, one name a line: beside the list or in `root`; for a folder, in it, beside it
/// or in `root`, and then its order (not that of the names) numbers the classes. Without it a list's classes
/// are called "0", "1", ...
class ImageList {
 public:
  /// Loads a list file or a folder. `classes`, if given, is the number of classes the caller expects. Throws
  /// InputError, with file and line, for: a list that is missing, empty or not text; a label that is missing, not an
  /// integer, negative or too large; classes other in number than expected; image files that are missing (names the
  /// first and says how many there are).
  static ImageList load(const std::filesystem::path& path, const std::filesystem::path& root = {},
                        std::optional<int> classes = {});

  std::size_t size() const { return entries_.size(); }
  /// The names of the classes; a label is an index into them.
  const std::vector<std::string>& classes() const { return classes_; }
  /// Whether this list can mean those classes: as many, and under the same names if it names them itself.
  bool agrees_with(const std::vector<std::string>& classes) const {
    return classes_ == classes || (!named_ && classes_.size() == classes.size());
  }
  std::int32_t label(std::size_t i) const { return entries_[i].label; }
  ImageSample sample(std::size_t i) const;

 private:
  struct Entry {
    std::string path;
    std::int32_t label;
    std::uint32_t line;  // 1-based; 0 in a folder
  };

  std::string source_;  // the list file or folder, as the caller named it
  std::vector<std::string> classes_;
  bool named_ = true;  // false: numbers stand for names
  std::vector<Entry> entries_;

  void load_list(const std::filesystem::path& root, std::optional<int> classes);
  void load_folder(const std::filesystem::path& root, std::optional<int> classes);
  void check_files_exist() const;
};

/// An image that cannot be used, and why (one line, naming the file).
struct BadImage {
  std::size_t index;
  std::string message;
};

/// Decodes every image of the list on `threads` threads (0: one per core) and returns the first `limit` bad ones.
std::vector<BadImage> find_bad_images(const ImageList& list, unsigned threads, std::size_t limit);

/// Decodes every image of the list; throws InputError for the first bad one.
void check_decodes(const ImageList& list, unsigned threads = 0);

}  // namespace tandem
