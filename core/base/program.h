#pragma once
// How Tandem's programs end: 0 when done, 2 for bad input, 1 for a failure while running; the error on one line.
//
// Before it begins, a program makes sure that standard input, output and error are open: where the caller closed one,
// /dev/null stands in, so that no file which the program opens later takes its place and receives what is printed. It
// is open for reading alone: printing fails, as it does on a closed stream. A file that grows beyond what the system
// allows (SIGXFSZ) does not kill the program: the write fails.

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
