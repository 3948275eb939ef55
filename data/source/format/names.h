#pragma once
// Names of what is kept in files of many images, and of such files.

#include <string>
#include <vector>

namespace tandem {

/// A name as messages show it: control characters are '?'.
std::string on_one_line(std::string name);

/// The names that braces stand for, as in a shell: "shards-{000..009}.tar" ten names, in the order of the numbers, with
/// as many digits as they are written with; "{a,b}.tar" two. A name without braces stands for itself. InputError for
/// braces that are not closed, lie within one another, or stand for more than 100,000 names.
std::vector<std::string> expand_braces(const std::string& name);

}  // namespace tandem
