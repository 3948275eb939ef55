#pragma once
// Lets a run finish its step when it is told to stop.

namespace tandem {

/// While it lives, the first SIGINT or SIGTERM only sets a flag; the second one ends the process as usual. One at a
/// time.
class InterruptScope {
 public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;
  bool interrupted() const;
};

}  // namespace tandem
