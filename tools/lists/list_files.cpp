#include "tools/lists/list_files.h"

#include <algorithm>
#include <memory>
#include <system_error>

#include "core/base/error.h"
#include "data/list/class_names.h"
#include "data/list/files.h"
#include "data/list/text_lines.h"
#include "io/atomic_file.h"

namespace tandem::tools {
namespace {

namespace fs = std::filesystem;

/// How a class is named in a list, and whether a classes.txt says what that means.
struct Naming {
  const std::vector<std::string>& labels;
  bool has_file;
};

/// Numbers mean themselves in lists without a classes.txt, whatever their order, if no list has fewer images than the
/// largest says. With a classes.txt their order must be that of the names.
Naming naming_of(const std::vector<std::string>& classes, std::size_t smallest_list) {
  const auto misnumbered = ClassNames(classes, {}).misnumbered();
  const auto is_plain = [&](const std::string& name) {
    const auto number = number_in(name);
    return number && *number >= 0 && static_cast<std::size_t>(*number) < smallest_list &&
           std::to_string(*number) == name;
  };
  if (std::all_of(classes.begin(), classes.end(), is_plain)) return {classes, false};
  const auto is_number = [](const std::string& name) { return number_in(name).has_value(); };
  if (misnumbered && std::any_of(classes.begin(), classes.end(), is_number))
    fail_input("class {} has another class's number for its name: a list cannot tell them apart",
               in_quotes(classes[static_cast<std::size_t>(*misnumbered)]));
  return {classes, true};
}

/// A path that a list in `folder` names the image by.
std::string listed_path(const std::string& image, const fs::path& folder) {
  if (image.find_first_of("\n\r") != std::string::npos)
    fail_input("{}: a path with a line's end in it: no list can name it", in_quotes(image));
  const fs::path whole = fs::absolute(image);
  const fs::path below = whole.lexically_relative(fs::absolute(folder).lexically_normal());
  // ".." behind a link leads elsewhere than it seems, so that such paths stay as they are.
  for (const fs::path& step : below)
    if (step == "..") return whole.string();
  for (const fs::path& step : whole)
    if (step == "..") return whole.string();
  return below.empty() ? whole.string() : "./" + below.string();
}

/// InputError if the folder's classes.txt says anything else than these classes.
void check_class_file(const fs::path& file, const Naming& naming) {
  if (!fs::exists(file)) return;
  std::vector<std::string> names;
  for (const TextLine& line : read_text_lines(file)) names.push_back(composed_name(line.text));
  if (names != naming.labels)
    fail_input("{}: has other classes than the data: expected another folder to write to", file.string());
}

}  // namespace

void check_list_place(const std::string& option, const fs::path& path, const std::vector<fs::path>& inputs) {
  const fs::file_type type = file_type_of(path);
  if (type != fs::file_type::not_found && type != fs::file_type::regular)
    fail_input("{}: {}: not a file: expected one to write", option, path.string());
  if (is_image_name(path) || (type == fs::file_type::regular && begins_as_image(path)))
    fail_input("{}: {}: an image: expected another file to write", option, path.string());
  for (const fs::path& input : inputs) {
    std::error_code ignored;
    if (fs::equivalent(path, input, ignored))
      fail_input("{}: {}: is what is read: expected another file to write", option, path.string());
  }
  check_writable_folder(path.parent_path().empty() ? "." : path.parent_path());
}

void write_lists(const Parts& parts, const std::vector<ListFile>& lists) {
  parts.require_files(lists.front().path.string());
  std::size_t smallest = parts.size();
  for (const ListFile& list : lists) smallest = std::min(smallest, list.images.size());
  const Naming naming = naming_of(parts.classes(), smallest);
  const fs::path parent = lists.front().path.parent_path(), folder = parent.empty() ? "." : parent;
  check_class_file(folder / "classes.txt", naming);
  require_writable_folder(folder);
  std::vector<std::unique_ptr<AtomicFile>> files;
  if (naming.has_file && !fs::exists(folder / "classes.txt")) {
    std::string text;
    for (const std::string& name : naming.labels) text += name + "\n";
    files.push_back(std::make_unique<AtomicFile>(folder / "classes.txt"));
    files.back()->write(text);
  }
  for (const ListFile& list : lists) {
    std::string text;
    for (const std::size_t i : list.images)
      text += listed_path(parts.sample(i).path, folder) + "\t" + parts.class_of(i) + "\n";
    files.push_back(std::make_unique<AtomicFile>(list.path));
    files.back()->write(text);
  }
  for (const auto& file : files) file->commit();
}

}  // namespace tandem::tools
