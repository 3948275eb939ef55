#include "core/base/program.h"

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <csignal>
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

/// What the program needs of its surroundings, as the header says.
void prepare_process() {
  for (int file = STDIN_FILENO; file <= STDERR_FILENO; ++file) {
    if (::fcntl(file, F_GETFD) >= 0 || errno != EBADF) continue;
    // Those before it are open, so that the lowest free number is this one.
    if (::open("/dev/null", O_RDONLY) < 0) fail("/dev/null: cannot open: {}", std::strerror(errno));
  }
  (void)std::signal(SIGXFSZ, SIG_IGN);
}

}  // namespace

int run_program(const std::function<int()>& body) {
  try {
    prepare_process();
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
