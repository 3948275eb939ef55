#include "train/loop/interrupt.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>

namespace tandem {
namespace {

constexpr std::array kStopping{SIGINT, SIGTERM, SIGHUP};
constexpr std::string_view kNotice = "stopping after this step; a second signal stops at once\n";

// A signal handler can reach nothing but statics.
volatile std::sig_atomic_t interrupted_flag = 0;
volatile std::sig_atomic_t on_terminal = 0;
std::array<struct sigaction, kStopping.size()> before;
struct sigaction pipe_before;

void restore() {
  for (std::size_t i = 0; i < kStopping.size(); ++i) (void)::sigaction(kStopping[i], &before[i], nullptr);
}

void handle(int /*signal*/) {
  const int error = errno;
  interrupted_flag = 1;
  restore();
  // On a terminal the progress line, and perhaps ^C, stand there without an end. Where nobody reads, nothing is lost.
  if (on_terminal != 0) (void)!::write(STDERR_FILENO, "\n", 1);
  (void)!::write(STDERR_FILENO, kNotice.data(), kNotice.size());
  errno = error;
}

}  // namespace

InterruptScope::InterruptScope() {
  interrupted_flag = 0;
  on_terminal = ::isatty(STDERR_FILENO);
  struct sigaction action {};
  // Writes go on where a signal came between, rather than fail.
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (const int signal : kStopping) sigaddset(&action.sa_mask, signal);
  // All are known before the first is caught: the handler restores all.
  for (std::size_t i = 0; i < kStopping.size(); ++i) (void)::sigaction(kStopping[i], nullptr, &before[i]);
  action.sa_handler = handle;
  for (std::size_t i = 0; i < kStopping.size(); ++i)
    if (before[i].sa_handler != SIG_IGN) (void)::sigaction(kStopping[i], &action, nullptr);
  action.sa_handler = SIG_IGN;
  (void)::sigaction(SIGPIPE, &action, &pipe_before);
}

InterruptScope::~InterruptScope() {
  restore();
  (void)::sigaction(SIGPIPE, &pipe_before, nullptr);
}

bool InterruptScope::interrupted() const { return interrupted_flag != 0; }

}  // namespace tandem
