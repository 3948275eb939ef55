#include "train/loop/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string>
#include <utility>

#include "tests/support/catch.h"

namespace tandem {
namespace {

volatile std::sig_atomic_t caught = 0;
void note(int signal) { caught = signal; }

/// A signal's disposition, put back at the end.
class Disposition {
 public:
  Disposition(int signal, void (*handler)(int)) : signal_(signal), before_(::signal(signal, handler)) { caught = 0; }
  ~Disposition() { ::signal(signal_, before_); }
  Disposition(const Disposition&) = delete;
  Disposition& operator=(const Disposition&) = delete;

 private:
  int signal_;
  void (*before_)(int);
};

void (*handler_of(int signal))(int) {
  struct sigaction action {};
  ::sigaction(signal, nullptr, &action);
  return action.sa_handler;
}

/// What `body` prints on standard error.
template <class Body>
std::string standard_error_of(const Body& body) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  const int before = ::dup(STDERR_FILENO);
  ::dup2(ends[1], STDERR_FILENO);
  ::close(ends[1]);
  body();
  ::dup2(before, STDERR_FILENO);
  ::close(before);
  std::string text(1000, '\0');
  text.resize(static_cast<std::size_t>(std::max<ssize_t>(::read(ends[0], text.data(), text.size()), 0)));
  ::close(ends[0]);
  return text;
}

TEST_CASE("the first signal sets the flag and says so, another one does what it did before") {
  for (const auto& [first, second] : {std::pair{SIGINT, SIGTERM}, {SIGTERM, SIGHUP}, {SIGHUP, SIGINT}}) {
    const Disposition a(SIGINT, note), b(SIGTERM, note), c(SIGHUP, note);
    const InterruptScope scope;
    CHECK_FALSE(scope.interrupted());
    const int raised = first;
    CHECK(standard_error_of([&] { ::raise(raised); }) == "stopping after this step; a second signal stops at once\n");
    CHECK(scope.interrupted());
    CHECK(caught == 0);
    ::raise(second);
    CHECK(caught == second);
  }
}

TEST_CASE("a signal that was ignored stays ignored") {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    const Disposition ignored(signal, SIG_IGN);
    const InterruptScope scope;
    ::raise(signal);
    CHECK_FALSE(scope.interrupted());
  }
}

TEST_CASE("signals do after the scope what they did before") {
  const Disposition a(SIGINT, note), b(SIGTERM, SIG_IGN), c(SIGHUP, SIG_DFL), d(SIGPIPE, note);
  {
    const InterruptScope scope;
    CHECK(handler_of(SIGINT) != note);
    CHECK(handler_of(SIGPIPE) == SIG_IGN);
  }
  CHECK(handler_of(SIGINT) == note);
  CHECK(handler_of(SIGTERM) == SIG_IGN);
  CHECK(handler_of(SIGHUP) == SIG_DFL);
  CHECK(handler_of(SIGPIPE) == note);
}

}  // namespace
}  // namespace tandem
