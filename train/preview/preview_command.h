#pragma once
// `tandem-data preview`: a subcommand that lives here, because the config does.

#include <functional>

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's name
class App;
}

namespace tandem {

/// Adds the subcommand "preview" to the program. What is returned runs it and gives the exit status; call it if the
/// subcommand was parsed. It holds what the command line says, so it must be kept until then.
std::function<int()> add_preview_command(CLI::App& program);

}  // namespace tandem
