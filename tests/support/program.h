#pragma once
// Runs a program as a child process: what it prints, how it ends, and what can happen to it on the way.

#include <linux/capability.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace tandem::test {

/// How a program ended.
struct Outcome {
  int status = -1;  ///< exit status; -1 if a signal ended it
  int signal = 0;   ///< the signal that ended it, or 0
  bool timed_out = false;
  std::string out, error;  ///< standard output and standard error
};

struct ProgramOptions {
  std::vector<std::string> environment = {"OMP_NUM_THREADS=1"};  ///< added to this process's
  double seconds = 300;                                          ///< then it is killed
  /// No file may grow larger. Writing more fails, as on a full disk, if the program ignores SIGXFSZ.
  std::optional<rlim_t> file_limit;
  /// Without root's right to write and read whatever it wants.
  bool obey_permissions = false;
};

/// A running program, killed and reaped at the end of its life here.
class Program {
 public:
  /// argv[0] is one of Tandem's programs by name, "tandem-train".
  explicit Program(std::vector<std::string> argv, ProgramOptions options = {})
      : argv_(std::move(argv)), options_(std::move(options)), out_(temporary_file()), error_(temporary_file()) {
    argv_[0] = std::string(TANDEM_BIN) + "/" + argv_[0];
    deadline_ =
        Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options_.seconds));
    // Everything that allocates is done before the fork: the child may only call what is safe in a signal handler.
    std::vector<char*> arguments = pointers(argv_);
    std::vector<std::string> environment = options_.environment;
    for (char** variable = environ; *variable != nullptr; ++variable) environment.emplace_back(*variable);
    std::vector<char*> variables = pointers(environment);
    child_ = ::fork();
    if (child_ < 0) throw std::runtime_error("fork");
    if (child_ == 0) become(arguments.data(), variables.data());
  }
  ~Program() {
    if (has_ended()) return;
    kill(SIGKILL);
    ::waitpid(child_, nullptr, 0);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  /// Sends a signal, unless the program has ended.
  void kill(int signal) {
    if (!has_ended()) ::kill(child_, signal);
  }

  /// Waits until `condition` holds; false if the program ended, or its time was up, before.
  template <class Condition>
  bool wait_until(const Condition& condition) {
    while (!condition()) {
      if (has_ended()) return condition();
      if (Clock::now() > deadline_) return false;
      std::this_thread::sleep_for(std::chrono::microseconds(500));
    }
    return true;
  }

  /// Waits for the program's end.
  Outcome wait() {
    Outcome outcome;
    if (!wait_until([this] { return has_ended(); })) {
      outcome.timed_out = true;
      kill(SIGKILL);
      while (!has_ended()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (WIFEXITED(ended_)) outcome.status = WEXITSTATUS(ended_);
    if (WIFSIGNALED(ended_)) outcome.signal = WTERMSIG(ended_);
    outcome.out = content(*out_);
    outcome.error = content(*error_);
    return outcome;
  }

 private:
  using Clock = std::chrono::steady_clock;
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<std::FILE, Close>;

  static File temporary_file() {
    File file(std::tmpfile());
    if (!file) throw std::runtime_error("no temporary file");
    return file;
  }

  static std::vector<char*> pointers(std::vector<std::string>& strings) {
    std::vector<char*> all;
    for (std::string& s : strings) all.push_back(s.data());
    all.push_back(nullptr);
    return all;
  }

  static std::string content(std::FILE& file) {
    std::string text;
    std::rewind(&file);
    for (int c = std::fgetc(&file); c != EOF; c = std::fgetc(&file)) text += static_cast<char>(c);
    return text;
  }

  /// In the child: never returns.
  [[noreturn]] void become(char** arguments, char** variables) const {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // A test that is killed leaves nothing running.
    // Tests that a shell runs in the background are told to ignore these; their programs are not.
    for (const int signal : {SIGINT, SIGHUP}) ::signal(signal, SIG_DFL);
    ::dup2(::fileno(out_.get()), STDOUT_FILENO);
    ::dup2(::fileno(error_.get()), STDERR_FILENO);
    if (options_.file_limit) {
      const rlimit files{*options_.file_limit, *options_.file_limit}, cores{0, 0};
      ::setrlimit(RLIMIT_CORE, &cores);
      ::setrlimit(RLIMIT_FSIZE, &files);
      ::signal(SIGXFSZ, SIG_DFL);
    }
    if (options_.obey_permissions)
      for (const int right : {CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH}) ::prctl(PR_CAPBSET_DROP, right);
    ::execve(arguments[0], arguments, variables);
    ::_exit(127);
  }

  bool has_ended() {
    if (!reaped_) reaped_ = ::waitpid(child_, &ended_, WNOHANG) == child_;
    return reaped_;
  }

  std::vector<std::string> argv_;
  ProgramOptions options_;
  File out_, error_;
  Clock::time_point deadline_;
  pid_t child_ = -1;
  bool reaped_ = false;
  int ended_ = 0;
};

/// Runs a program to its end.
inline Outcome run_to_end(std::vector<std::string> argv, ProgramOptions options = {}) {
  return Program(std::move(argv), std::move(options)).wait();
}

}  // namespace tandem::test
