#pragma once
// Lets a run finish its step when it is told to stop.

namespace tandem {

/// While it lives, the first of SIGINT, SIGTERM and SIGHUP only sets a flag and says so on standard error; the second
/// one, whichever it is, does what it did before. One that was ignored before, as a shell makes its background jobs
/// ignore SIGINT and nohup SIGHUP, stays so. SIGPIPE is ignored: a run goes on when nobody reads what it prints. One
/// at a time.
class InterruptScope {
 public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;
  bool interrupted() const;
};

}  // namespace tandem
