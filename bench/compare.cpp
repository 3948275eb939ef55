#include "bench/compare.h"

#include <sys/wait.h>

#include <algorithm>
#include <cstdio>

#include "bench/step.h"
#include "core/base/error.h"

namespace tandem {
namespace {

std::string quoted(const std::string& word) {
  std::string text = "'";
  for (const char c : word) {
    if (c == '\'')
      text.append("'\\''");
    else
      text.push_back(c);
  }
  text.push_back('\'');
  return text;
}

/// The last line that the command prints.
std::string last_line_of(const Contestant& contestant) {
  std::string shell = "exec";
  for (const std::string& word : contestant.command) shell.append(" ").append(quoted(word));
  FILE* pipe = popen(shell.c_str(), "re");
  require(pipe != nullptr, "{}: cannot be started", contestant.command[0]);
  std::string output;
  for (char buffer[4096]; std::fgets(buffer, sizeof buffer, pipe);) output += buffer;
  const int status = pclose(pipe);
  require(status == 0, "{} ended with exit status {}: {}", contestant.name,
          WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), shell.substr(5));
  while (output.ends_with('\n')) output.pop_back();
  return output.substr(output.rfind('\n') + 1);
}

}  // namespace

std::vector<Standing> compare(const std::vector<Contestant>& contestants, int rounds) {
  std::vector<Standing> standings;
  standings.reserve(contestants.size());
  for (const Contestant& contestant : contestants) standings.push_back({contestant.name, {}, 0, 0, 0});
  for (int round = 0; round < rounds; ++round)
    for (std::size_t i = 0; i < contestants.size(); ++i) {
      const std::string line = last_line_of(contestants[i]);
      const auto result = nlohmann::json::parse(line, nullptr, false);
      require(result.is_object() && result.contains("images_per_s") && result["images_per_s"].is_number(),
              "{} printed \"{}\", expected a JSON object with images_per_s", contestants[i].name, line);
      standings[i].images_per_s.push_back(result["images_per_s"].get<double>());
      standings[i].peak_mib = std::max(standings[i].peak_mib, result.value("peak_mib", 0.0));
    }
  for (Standing& standing : standings) {
    standing.median = median(standing.images_per_s);
    standing.ratio = standings[0].median / standing.median;
  }
  return standings;
}

std::string to_text(const std::vector<Standing>& standings) {
  std::string text =
      fmt::format("{:<28}{:>10}{:>10}{:>8}{:>8}{:>8}\n", "", "images/s", "peak MiB", "ratio", "lowest", "highest");
  for (const Standing& s : standings) {
    const auto [low, high] = std::minmax_element(s.images_per_s.begin(), s.images_per_s.end());
    const std::string peak = s.peak_mib > 0 ? fmt::format("{:.0f}", s.peak_mib) : "-";
    text +=
        fmt::format("{:<28}{:>10.2f}{:>10}{:>8.2f}{:>8.2f}{:>8.2f}\n", s.name, s.median, peak, s.ratio, *low, *high);
  }
  return text + fmt::format("medians of {} rounds in turns; ratio: {} over this one\n",
                            standings[0].images_per_s.size(), standings[0].name);
}

nlohmann::ordered_json to_json(const std::vector<Standing>& standings) {
  nlohmann::ordered_json all = nlohmann::ordered_json::array();
  for (const Standing& s : standings)
    all.push_back({{"name", s.name},
                   {"images_per_s", s.median},
                   {"rounds", s.images_per_s},
                   {"peak_mib", s.peak_mib},
                   {"ratio", s.ratio}});
  return all;
}

}  // namespace tandem
