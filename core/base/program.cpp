#include "core/base/program.h"

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <iostream>
#include <new>
#include <string>
#include <utility>

#include "core/base/error.h"

namespace tandem {
namespace {

int report(std::string message, int status) {
  for (char& c : message)
    if (c == '\n') c = ' ';
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return status;
}

/// The status of a program that ends with `status`, once what it printed has been written.
int finish(int status) {
  errno = 0;
  const bool written = std::cout.flush().good();
  if ((std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && written) || status != 0) return status;
  std::string message = "cannot write to standard output";
  if (errno != 0) message += std::string(": ") + std::strerror(errno);  // Else an earlier write failed.
  return report(std::move(message), 1);
}

}  // namespace

int run_program(const std::function<int()>& body) {
  try {
    return finish(body());
  } catch (const InputError& e) {
    return report(e.what(), 2);
  } catch (const std::bad_alloc&) {
    return report("out of memory: try a smaller batch or image size", 1);
  } catch (const std::exception& e) {
    return report(e.what(), 1);
  }
}

int run_program(CLI::App& app, int argc, char** argv, const std::function<int()>& body) {
  try {
    app.set_version_flag("--version", "tandem " TANDEM_VERSION);
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {  // --help, --version
    return finish(app.exit(e));
  } catch (const CLI::ParseError& e) {
    return report(std::string(e.what()) + " (see --help)", 2);
  }
  return run_program(body);
}

}  // namespace tandem
