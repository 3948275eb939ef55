#pragma once
// Which of several ways to compute something is the fastest on this machine: measured the first time, then
// remembered.

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace tandem {

/// Pairs of a problem and the candidate that was chosen for it.
using AutotuneChoices = std::map<std::string, std::string>;

/// Remembers choices as long as it lives, and in a file, where it appends one line for each choice. It skips lines that
/// bear another machine's name and lines that it cannot read.
class AutotuneCache {
 public:
  /// Seconds that the candidate with this index takes; infinity if it fails.
  using Timer = std::function<double(std::size_t candidate)>;

  /// `machine`: everything that a choice depends on apart from the problem. `file`: its path; empty: no file. Names of
  /// machines, problems and candidates contain no tabs and no line ends.
  AutotuneCache(std::string machine, std::string file);

  /// The index of the fastest candidate. Measures with `timer` unless this or another process has chosen already.
  std::size_t choose(const std::string& problem, const std::vector<std::string>& candidates, const Timer& timer);
  /// The candidate that was chosen before, if it is one of these.
  std::optional<std::size_t> find(const std::string& problem, const std::vector<std::string>& candidates) const;
  /// What has been chosen, or was adopted, so far.
  const AutotuneChoices& choices() const { return chosen_; }
  /// Takes over the choices of an earlier process that this one continues. They count before everything that is
  /// measured or in the file, and are not written to it. A candidate that is not offered later is skipped.
  void adopt(const AutotuneChoices& choices);
  /// Whether other processes will find the choices of this one: there is a file, and it can be written.
  bool is_persistent() const { return why_not_kept().empty(); }
  /// Why they will not, in a few words; empty if they will.
  std::string why_not_kept() const;

 private:
  std::size_t choose_anew(const std::string& problem, const std::vector<std::string>& candidates, const Timer& timer);
  void read();
  void append(const std::string& problem, const std::string& candidate) const;

  std::string machine_, file_;
  AutotuneChoices chosen_;
  std::map<std::string, std::vector<std::string>>
      known_;  // several candidates for one problem: the first one that is offered is taken
};

/// Where choices are kept: $TANDEM_CACHE, else $XDG_CACHE_HOME/tandem, else ~/.cache/tandem; empty if none is known.
std::string cache_folder();

}  // namespace tandem
