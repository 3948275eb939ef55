#pragma once
// Which of several candidates to compute something is the fastest on this machine: measured when it is first asked,
// then remembered.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tandem {

/// Pairs of a problem and the candidate that was chosen for it.
using AutotuneChoices = std::map<std::string, std::string>;

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
  /// What has been chosen, or was adopted, so far.
  const AutotuneChoices& choices() const { return chosen_; }
  /// Choices of an earlier process that this one continues: they count before all that is measured or in the file, to
  /// which they are not written. A candidate that is not offered later is passed over.
  void adopt(const AutotuneChoices& choices);
  /// Whether another process will find what this one chooses: there is a file, and it can be written.
  bool is_persistent() const { return why_not_kept().empty(); }
  /// Why it will not, in a few words; empty if it will.
  std::string why_not_kept() const;

 private:
  std::size_t choose_anew(const std::string& problem, const std::vector<std::string>& candidates, const Timer& timer);
  void read();
  void append(const std::string& problem, const std::string& candidate) const;

  std::string machine_, file_;
  AutotuneChoices chosen_;
  std::map<std::string, std::vector<std::string>>
      known_;  // several candidates of a problem: the first that is offered counts
};

/// Where choices are kept: $TANDEM_CACHE, else $XDG_CACHE_HOME/tandem, else ~/.cache/tandem; empty if none is known.
std::string cache_folder();

}  // namespace tandem
