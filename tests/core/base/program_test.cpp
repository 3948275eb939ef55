#include "core/base/program.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "tests/support/catch.h"

namespace tandem {
namespace {

/// What is written to a stream of the C library while this object lives.
class Capture {
 public:
  explicit Capture(std::FILE* stream) : stream_(stream), saved_(dup(fileno(stream))) {
    std::fflush(stream_);
    dup2(fileno(file_), fileno(stream_));
  }
  ~Capture() {
    restore();
    std::fclose(file_);
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;
  std::string text() {
    restore();
    std::rewind(file_);
    std::string text;
    for (int c = std::fgetc(file_); c != EOF; c = std::fgetc(file_)) text += static_cast<char>(c);
    return text;
  }

 private:
  void restore() {
    if (saved_ < 0) return;
    std::fflush(stream_);
    dup2(saved_, fileno(stream_));
    close(std::exchange(saved_, -1));
  }
  std::FILE* stream_;
  int saved_;
  std::FILE* file_ = std::tmpfile();
};

/// The exit status of `program` in a child process whose standard output is a device that is full.
int status_on_a_full_device(const std::function<int()>& program) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    dup2(open("/dev/full", O_WRONLY), STDOUT_FILENO);
    _exit(program());
  }
  int ended = 0;
  waitpid(child, &ended, 0);
  return WIFEXITED(ended) ? WEXITSTATUS(ended) : -1;
}

}  // namespace

TEST_CASE("A program's exit status tells bad input from a failure") {
  const struct {
    std::function<int()> body;
    int status;
    std::string message;
  } rows[] = {
      {[] { return 0; }, 0, ""},
      {[] { return 7; }, 7, ""},
      {[]() -> int { fail_input("config: {}", "/seed"); }, 2, "error: config: /seed\n"},
      {[]() -> int { fail("disk\nfull"); }, 1, "error: disk full\n"},
      {[]() -> int { throw std::runtime_error("library"); }, 1, "error: library\n"},
      {[]() -> int { throw std::bad_alloc(); }, 1, "error: out of memory: try a smaller batch or image size\n"},
  };
  for (const auto& row : rows) {
    Capture stderr_text(stderr);
    const int status = run_program(row.body);
    CHECK(stderr_text.text() == row.message);
    CHECK(status == row.status);
  }
}

TEST_CASE("A wrong command line is bad input and help is not") {
  const auto run = [](std::vector<std::string> words) {
    CLI::App app("a program");
    int number = 0;
    app.add_option("--number", number)->required();
    std::vector<char*> argv;
    for (auto& word : words) argv.push_back(word.data());
    return run_program(app, static_cast<int>(argv.size()), argv.data(), [&] { return number; });
  };
  CHECK(run({"program", "--number", "5"}) == 5);
  for (const std::vector<std::string>& words :
       {std::vector<std::string>{"program"}, {"program", "--number", "x"}, {"program", "--number", "5", "--other"}}) {
    Capture stderr_text(stderr);
    const int status = run(words);
    const std::string text = stderr_text.text();
    CHECK(status == 2);
    CHECK(text.starts_with("error: "));
    CHECK(std::count(text.begin(), text.end(), '\n') == 1);
  }
  Capture stdout_text(stdout);
  const int status = run({"program", "--help"});
  CHECK(stdout_text.text().find("--number") != std::string::npos);
  CHECK(status == 0);
}

TEST_CASE("The version is that of the project") {
  CLI::App app("a program");
  app.require_subcommand(1);
  std::string program = "program", version = "--version";
  char* argv[] = {program.data(), version.data(), nullptr};
  Capture stdout_text(stdout);
  const int status = run_program(app, 2, argv, [] { return 1; });
  CHECK(stdout_text.text() == "tandem 0.1.0\n");
  CHECK(status == 0);
}

/// How a program ends in a child process that `prepare` is called in first.
int wait_status_of(const std::function<void()>& prepare, const std::function<int()>& body) {
  std::fflush(stdout);
  const pid_t child = fork();
  if (child == 0) {
    prepare();
    _exit(run_program(body));
  }
  int ended = 0;
  waitpid(child, &ended, 0);
  return ended;
}

/// A file without a name in any folder.
struct TemporaryFile {
  TemporaryFile() = default;
  ~TemporaryFile() { std::fclose(file); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  std::FILE* file = std::tmpfile();
};

TEST_CASE("What a program prints on closed streams is in none of its files") {
  for (const std::vector<int>& closed : {std::vector<int>{1, 2}, {0, 1, 2}, {2}, {0}, {1}}) {
    TemporaryFile data;
    Capture stderr_text(stderr);
    const auto close_some = [&] {
      for (const int file : closed) close(file);
    };
    const int ended = wait_status_of(close_some, [&] {
      // Opens the lowest free number, as every data file does.
      const std::string path = "/proc/self/fd/" + std::to_string(fileno(data.file));
      const int file = open(path.c_str(), O_WRONLY);
      if (file <= STDERR_FILENO) return 7;
      const bool written = write(file, "data", 4) == 4;
      const std::string line = closed == std::vector<int>{0} ? "" : "a line\n";
      std::cout << (closed == std::vector<int>{2} ? "" : line) << std::flush;
      std::cerr << (closed == std::vector<int>{1} ? "" : line);
      return written ? 0 : 8;
    });
    REQUIRE(WIFEXITED(ended));
    // Nothing that was printed on a closed output has been written.
    const bool output_closed = std::find(closed.begin(), closed.end(), STDOUT_FILENO) != closed.end();
    CHECK(WEXITSTATUS(ended) == (output_closed ? 1 : 0));
    std::rewind(data.file);
    std::string content;
    for (int c = std::fgetc(data.file); c != EOF; c = std::fgetc(data.file)) content += static_cast<char>(c);
    CHECK(content == "data");
  }
}

TEST_CASE("A file that grows beyond what is allowed is an ordinary error") {
  TemporaryFile data;
  const auto limit = [] {
    const rlimit files{8, 8};
    setrlimit(RLIMIT_FSIZE, &files);
    std::signal(SIGXFSZ, SIG_DFL);
  };
  const int ended = wait_status_of(limit, [&] {
    const std::string text(8, 'x');
    if (write(fileno(data.file), text.data(), text.size()) != 8) return 7;
    return write(fileno(data.file), "y", 1) < 0 && errno == EFBIG ? 5 : 8;
  });
  REQUIRE(WIFEXITED(ended));
  CHECK(WEXITSTATUS(ended) == 5);
}

TEST_CASE("Output that cannot be written is a failure") {
  if (access("/dev/full", W_OK) != 0) TANDEM_SKIP("no /dev/full");
  const std::string large(100'000, 'x');  // more than any buffer
  const struct {
    std::function<int()> body;
    int status;
    std::string message;
  } rows[] = {
      {[] { return 0; }, 0, ""},  // prints nothing
      {[] { return std::printf("text") == 4 ? 0 : 9; }, 1, "error: cannot write to standard output: No space left"},
      {[] { return std::cout << "text" ? 0 : 9; }, 1, "error: cannot write to standard output: No space left"},
      {[&] { return std::cout << large, 0; }, 1, "error: cannot write to standard output"},
      {[]() -> int { std::cout << "text", fail_input("bad"); }, 2, "error: bad\n"},
  };
  for (const auto& row : rows) {
    Capture stderr_text(stderr);
    const int status = status_on_a_full_device([&] { return run_program(row.body); });
    const std::string text = stderr_text.text();
    CHECK(text.starts_with(row.message));
    CHECK(std::count(text.begin(), text.end(), '\n') == (row.status == 0 ? 0 : 1));
    CHECK(status == row.status);
  }
  std::string program = "program", help = "--help";
  char* argv[] = {program.data(), help.data(), nullptr};
  Capture stderr_text(stderr);
  CLI::App app("a program");
  CHECK(status_on_a_full_device([&] { return run_program(app, 2, argv, [] { return 0; }); }) == 1);
}

}  // namespace tandem
