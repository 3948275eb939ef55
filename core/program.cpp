#include "core/program.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <new>
#include <string>

#include "core/error.h"

namespace tandem {
namespace {

int report(std::string message, int status) {
  for (char& c : message)
    if (c == '\n') c = ' ';
  std::fprintf(stderr, "error: %s\n", message.c_str());
  return status;
}

}  // namespace

int run_program(const std::function<int()>& body) {
  try {
    return body();
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
    app.parse(argc, argv);
  } catch (const CLI::Success& e) {  // --help
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    return report(std::string(e.what()) + " (see --help)", 2);
  }
  return run_program(body);
}

}  // namespace tandem
