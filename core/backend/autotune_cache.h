#pragma once
// Which of several ways to compute something is the fastest on this machine: measured when it is first asked, then
// remembered.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tandem {

/// Remembers choices for as long as it lives, and in a file that grows a line a choice. Lines of other machines (their
/// name is another) and lines that make no sense are passed over.
class MeasuredChoices {
 public:
  /// Seconds that the way of that index takes; infinity if it fails.
  using Timer = std::function<double(std::size_t way)>;

  /// `machine`: all that a choice depends on beside the problem. `file`: its path; empty: no file. Names of machines,
  /// problems and ways hold neither tabs nor line ends.
  MeasuredChoices(std::string machine, std::string file);

  /// The index of the fastest of the ways, measured by `timer` unless it is known, by now perhaps to another process.
  std::size_t choose(const std::string& problem, const std::vector<std::string>& ways, const Timer& timer);
  /// The way that is known to be the fastest, if it is one of these.
  std::optional<std::size_t> find(const std::string& problem, const std::vector<std::string>& ways) const;
  /// Whether another process will find what this one chooses: there is a file, and it can be written.
  bool outlive() const;

 private:
  void read();
  void append(const std::string& problem, const std::string& way) const;

  std::string machine_, file_;
  std::map<std::string, std::vector<std::string>>
      known_;  // several ways of a problem: the first that is offered counts
};

/// Where choices are kept: $TANDEM_CACHE, else $XDG_CACHE_HOME/tandem, else ~/.cache/tandem; empty if none is known.
std::string cache_folder();

}  // namespace tandem
