#pragma once
// Tandem beside others on the same machine: programs run in turns, so that what else the machine does hits all alike.

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace tandem {

/// A program that prints a JSON object with images_per_s, and peak_mib if it knows, as the last line of its output.
struct Contestant {
  std::string name;
  std::vector<std::string> command;  ///< the program and its arguments
};

struct Standing {
  std::string name;
  std::vector<double> images_per_s;  ///< a round each
  double median;
  double peak_mib;  ///< the most of all rounds; 0 if the program does not say
  double ratio;     ///< the first contestant's median over this one's
};

/// `rounds` times one after the other. Throws Error if a program fails or prints something else.
std::vector<Standing> compare(const std::vector<Contestant>& contestants, int rounds);

std::string to_text(const std::vector<Standing>& standings);
nlohmann::ordered_json to_json(const std::vector<Standing>& standings);

}  // namespace tandem
