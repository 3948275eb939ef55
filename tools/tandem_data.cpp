// tandem-data: makes, checks and mends data sets.

#include <CLI/CLI.hpp>
#include <vector>

#include "core/base/program.h"
#include "tools/commands/commands.h"

int main(int argc, char** argv) {
  CLI::App app("Makes, checks and mends data sets.", "tandem-data");
  app.require_subcommand(1);
  const std::vector<tandem::tools::Command> commands = tandem::tools::add_commands(app);
  return tandem::run_program(app, argc, argv, [&] { return tandem::tools::run_chosen(commands); });
}
