#include "core/backend/autotune_cache.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <limits>

namespace tandem {
namespace {

/// Opens the file for appending and makes its folder if it is missing; negative if that fails.
int open_to_append(const std::string& file) {
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(file).parent_path(), ignored);
  return open(file.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
}

/// The shortest of several times of each candidate, measured in turns, so that other work on the machine slows all
/// candidates alike. A candidate that fails, or is far behind after one turn, gets no further turns: slow candidates
/// would take most of the time.
std::vector<double> shortest_times(std::size_t candidates, const AutotuneCache::Timer& timer) {
  constexpr int kTurns = 4;
  constexpr double kFarBehind = 2;
  constexpr double kNever = std::numeric_limits<double>::infinity();
  std::vector<double> shortest(candidates, kNever);
  // Not counted: the first call of a candidate makes primitives and fills caches.
  std::vector<std::size_t> left;
  for (std::size_t candidate = 0; candidate < candidates; ++candidate)
    if (timer(candidate) < kNever) left.push_back(candidate);
  for (int turn = 0; turn < kTurns; ++turn) {
    for (const std::size_t candidate : left) shortest[candidate] = std::min(shortest[candidate], timer(candidate));
    const double limit = kFarBehind * *std::min_element(shortest.begin(), shortest.end());
    std::erase_if(left, [&](std::size_t candidate) { return shortest[candidate] > limit; });
  }
  return shortest;
}

}  // namespace

AutotuneCache::AutotuneCache(std::string machine, std::string file)
    : machine_(std::move(machine)), file_(std::move(file)) {
  read();
}

void AutotuneCache::read() {
  std::ifstream file(file_);
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find('\t'), second = first == line.npos ? line.npos : line.find('\t', first + 1);
    if (second == line.npos || line.substr(0, first) != machine_) continue;
    auto& candidates = known_[line.substr(first + 1, second - first - 1)];
    std::string candidate = line.substr(second + 1);
    if (std::find(candidates.begin(), candidates.end(), candidate) == candidates.end())
      candidates.push_back(std::move(candidate));
  }
}

void AutotuneCache::append(const std::string& problem, const std::string& candidate) const {
  if (file_.empty()) return;
  const int file = open_to_append(file_);
  if (file < 0) return;  // then the next process measures again
  // One write, so that lines of several processes do not mix.
  const std::string line = machine_ + "\t" + problem + "\t" + candidate + "\n";
  (void)!write(file, line.data(), line.size());
  close(file);
}

std::string AutotuneCache::why_not_kept() const {
  if (file_.empty()) return "no folder for them is known";
  const int file = open_to_append(file_);
  if (file < 0) return "cannot write " + file_ + ": " + std::strerror(errno);
  close(file);
  return "";
}

void AutotuneCache::adopt(const AutotuneChoices& choices) {
  for (const auto& [problem, candidate] : choices) chosen_.insert_or_assign(problem, candidate);
}

std::optional<std::size_t> AutotuneCache::find(const std::string& problem,
                                               const std::vector<std::string>& candidates) const {
  const auto place_of = [&](const std::string& candidate) -> std::optional<std::size_t> {
    const auto at = std::find(candidates.begin(), candidates.end(), candidate);
    if (at == candidates.end()) return std::nullopt;
    return static_cast<std::size_t>(at - candidates.begin());
  };
  if (const auto chosen = chosen_.find(problem); chosen != chosen_.end())
    if (const auto place = place_of(chosen->second)) return place;
  const auto found = known_.find(problem);
  if (found == known_.end()) return std::nullopt;
  // If a problem has several lines, the first one is taken: a choice that a process has read never changes.
  for (const std::string& candidate : found->second)
    if (const auto place = place_of(candidate)) return place;
  return std::nullopt;
}

std::size_t AutotuneCache::choose(const std::string& problem, const std::vector<std::string>& candidates,
                                  const Timer& timer) {
  if (candidates.size() == 1) return 0;
  const std::size_t choice = choose_anew(problem, candidates, timer);
  // Where all fail there is nothing to remember.
  if (find(problem, candidates)) chosen_.insert_or_assign(problem, candidates[choice]);
  return choice;
}

std::size_t AutotuneCache::choose_anew(const std::string& problem, const std::vector<std::string>& candidates,
                                       const Timer& timer) {
  if (const auto known = find(problem, candidates)) return *known;
  read();  // another process may have measured it in the meantime
  if (const auto known = find(problem, candidates)) return *known;
  const std::vector<double> times = shortest_times(candidates.size(), timer);
  const auto fastest = static_cast<std::size_t>(std::min_element(times.begin(), times.end()) - times.begin());
  if (times[fastest] == std::numeric_limits<double>::infinity()) return 0;  // its own error will say more
  known_[problem].push_back(candidates[fastest]);
  append(problem, candidates[fastest]);
  return fastest;
}

std::string cache_folder() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  if (std::string own = variable("TANDEM_CACHE"); !own.empty()) return own;
  if (const std::string cache = variable("XDG_CACHE_HOME"); !cache.empty()) return cache + "/tandem";
  if (const std::string home = variable("HOME"); !home.empty()) return home + "/.cache/tandem";
  return "";
}

}  // namespace tandem
