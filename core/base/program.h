#pragma once
// How Tandem's programs end: 0 when done, 2 for bad input, 1 for a failure while running; the error on one line.

#include <functional>

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's name
class App;
}

namespace tandem {

/// Runs `body` and returns the process's exit status. An exception is printed as one line, "error: ...", on stderr; so
/// is a standard output that could not be written, which is a failure.
int run_program(const std::function<int()>& body);

/// The same, after reading the command line into `app`; a wrong command line is bad input. Adds --version.
int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& body);

}  // namespace tandem
