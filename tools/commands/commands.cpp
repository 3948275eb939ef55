#include "tools/commands/commands.h"

#include <CLI/CLI.hpp>

#include "core/base/error.h"

namespace tandem::tools {

std::vector<Command> add_commands(CLI::App& app) {
  return {add_synth(app),  add_check(app),   add_stats(app),  add_split(app),
          add_dedupe(app), add_convert(app), add_preview(app)};
}

int run_chosen(const std::vector<Command>& commands) {
  for (const Command& command : commands)
    if (command.parser->parsed()) return command.run();
  fail_input("no subcommand: expected one of those that --help names");
}

}  // namespace tandem::tools
