#pragma once
// Which of several candidates to compute something is the fastest on this machine: measured when it is first asked,
// then remembered.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tandem {

/// Remembers choices for as long as it lives, and in a file that grows a line a choice. Lines of other machines (their
/// name is another) and lines that make no sense are passed over.
class AutotuneCache {
 public:
  /// Seconds that the candidate of that index takes; infinity if it fails.
  using Timer = std::function<double(std::size_t candidate)>;

  /// `machine`: all that a choice depends on beside the problem. `file`: its path; empty: no file. Names of machines,
  /// problems and candidates hold neither tabs nor line ends.
  AutotuneCache(std::string machine, std::string file);

  /// The index of the fastest of the candidates, measured by `timer` unless it is known, by now perhaps to another
  /// process.
  std::size_t choose(const std::string& problem, const std::vector<std::string>& candidates, const Timer& timer);
  /// The candidate that is known to be the fastest, if it is one of these.
  std::optional<std::size_t> find(const std::string& problem, const std::vector<std::string>& candidates) const;
  /// Whether another process will find what this one chooses: there is a file, and it can be written.
  bool is_persistent() const;

 private:
  void read();
  void append(const std::string& problem, const std::string& candidate) const;

  std::string machine_, file_;
  std::map<std::string, std::vector<std::string>>
      known_;  // several candidates of a problem: the first that is offered counts
};

/// Where choices are kept: $TANDEM_CACHE, else $XDG_CACHE_HOME/tandem, else ~/.cache/tandem; empty if none is known.
std::string cache_folder();

}  // namespace tandem
