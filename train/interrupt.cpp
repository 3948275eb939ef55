#include "train/interrupt.h"

#include <csignal>

namespace tandem {
namespace {

// A signal handler can reach nothing but a static.
volatile std::sig_atomic_t interrupted_flag = 0;

void handle(int signal) {
  interrupted_flag = 1;
  std::signal(signal, SIG_DFL);
}

}  // namespace

InterruptScope::InterruptScope() {
  interrupted_flag = 0;
  std::signal(SIGINT, handle);
  std::signal(SIGTERM, handle);
}

InterruptScope::~InterruptScope() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

bool InterruptScope::interrupted() const { return interrupted_flag != 0; }

}  // namespace tandem
