#pragma once
// The subcommands of tandem-data. Each has a source of its own in this folder, with one hook, which is declared here
// and called in commands.cpp.

#include <functional>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's name
class App;
}

namespace tandem::tools {

struct Command {
  const CLI::App* parser;    // knows whether the subcommand was chosen
  std::function<int()> run;  // what it does, once the command line is read; returns the exit status
};

// The hooks: each adds its subcommand with its options to the program's command line. What is parsed lives in `run`.
Command add_synth(CLI::App& app);
Command add_check(CLI::App& app);
Command add_stats(CLI::App& app);
Command add_split(CLI::App& app);
Command add_dedupe(CLI::App& app);
Command add_convert(CLI::App& app);
Command add_preview(CLI::App& app);

/// Every subcommand, in the order of --help.
std::vector<Command> add_commands(CLI::App& app);
/// Runs the one that was chosen.
int run_chosen(const std::vector<Command>& commands);

}  // namespace tandem::tools
