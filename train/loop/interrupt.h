#pragma once
// Lets a run finish its step when it is told to stop.

namespace tandem {

/// While it lives, the first SIGINT, SIGTERM or SIGHUP only sets a flag, and says so on standard error. The second
/// signal, whichever it is, has the effect that it had before. A signal that was ignored before stays ignored: a shell
/// lets its background jobs ignore SIGINT, and nohup SIGHUP. SIGPIPE is ignored: a run goes on when nobody reads what
/// it prints. Only one such object may live at a time.
class InterruptScope {
 public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;
  bool interrupted() const;
};

}  // namespace tandem
