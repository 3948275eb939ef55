#include "cpu/convolution/plan.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <optional>

namespace tandem::cpu {
namespace {

struct Name {
  Method method;
  const char* name;
};
constexpr Name kNames[] = {{Method::direct, "direct"}, {Method::product, "product"}, {Method::winograd, "winograd"}};

const char* name_of(Method method) {
  for (const Name& entry : kNames)
    if (entry.method == method) return entry.name;
  fail("convolution plan: no such method");
}

std::optional<Method> method_of(const std::string& name) {
  for (const Name& entry : kNames)
    if (entry.name == name) return entry.method;
  return std::nullopt;
}

std::string joined(const Shape& shape) {
  std::string text;
  for (int i = 0; i < shape.rank(); ++i) {
    if (i > 0) text += 'x';
    text += std::to_string(shape[i]);
  }
  return text;
}

}  // namespace

std::string ConvolutionProblem::name() const {
  constexpr const char* kDirections[] = {"forward", "grad_input", "grad_weight", "inference"};
  return fmt::format("{} {} {} {} stride {} padding {}{}{}", kDirections[static_cast<int>(direction)], dtype, joined(x),
                     joined(w), geometry.stride, geometry.padding, adds ? " added" : "", relu ? " relu" : "");
}

ConvolutionPlan::ConvolutionPlan(std::string machine, std::string file)
    : machine_(std::move(machine)), file_(std::move(file)) {
  read();
}

void ConvolutionPlan::read() {
  std::ifstream file(file_);
  for (std::string line; std::getline(file, line);) {
    const std::size_t first = line.find('\t'), second = first == line.npos ? line.npos : line.find('\t', first + 1);
    if (second == line.npos || line.substr(0, first) != machine_) continue;
    // The first of several lines about one problem counts: what a process has once read stays true.
    if (const auto method = method_of(line.substr(second + 1)))
      known_.emplace(line.substr(first + 1, second - first - 1), *method);
  }
}

void ConvolutionPlan::append(const std::string& problem, Method method) const {
  if (file_.empty()) return;
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(file_).parent_path(), ignored);
  const int file = open(file_.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (file < 0) return;  // then the next process measures again
  // One write, so that lines of several processes do not mix.
  const std::string line = machine_ + "\t" + problem + "\t" + name_of(method) + "\n";
  (void)!write(file, line.data(), line.size());
  close(file);
}

Method ConvolutionPlan::choose(const ConvolutionProblem& problem, const std::vector<Method>& methods,
                               const Timer& timer) {
  if (methods.size() == 1) return methods[0];
  const std::string name = problem.name();
  const auto found = known_.find(name);
  if (found != known_.end() && std::find(methods.begin(), methods.end(), found->second) != methods.end())
    return found->second;
  // In turns, and the shortest of each: other work on the machine hits all methods alike, or not at all.
  constexpr int kTurns = 4;
  std::vector<double> best(methods.size(), std::numeric_limits<double>::infinity());
  for (int turn = 0; turn <= kTurns; ++turn)
    for (std::size_t i = 0; i < methods.size(); ++i) {
      const double time = timer(methods[i]);
      if (turn > 0) best[i] = std::min(best[i], time);  // the first turn makes primitives and fills caches
    }
  const auto fastest = static_cast<std::size_t>(std::min_element(best.begin(), best.end()) - best.begin());
  known_[name] = methods[fastest];
  append(name, methods[fastest]);
  return methods[fastest];
}

std::string plan_folder() {
  const auto variable = [](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  };
  if (std::string own = variable("TANDEM_CACHE"); !own.empty()) return own;
  if (const std::string cache = variable("XDG_CACHE_HOME"); !cache.empty()) return cache + "/tandem";
  if (const std::string home = variable("HOME"); !home.empty()) return home + "/.cache/tandem";
  return "";
}

std::string processor_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) return line.substr(std::min(line.size(), line.find(':') + 2));
  return "unknown processor";
}

}  // namespace tandem::cpu
