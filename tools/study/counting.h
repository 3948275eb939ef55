#pragma once
// Tells how far a long job is: on a terminal one line that is drawn again and again, elsewhere a plain line now and
// then.

#include <cstddef>
#include <mutex>
#include <ostream>
#include <string>

#include "train/loop/progress.h"

namespace tandem::tools {

/// Counts what several threads have done. On a terminal the line is drawn up to ten times a second and removed in the
/// end; elsewhere one is printed every ten seconds, so that a short job prints none.
class Counting {
 public:
  /// `what` is done `total` times: "decoding". Keeps a reference to `out`.
  Counting(std::ostream& out, Progress::Output output, std::string what, std::size_t total);
  /// On standard error.
  Counting(std::string what, std::size_t total);
  ~Counting();
  Counting(const Counting&) = delete;
  Counting& operator=(const Counting&) = delete;

  /// One more is done. Threads may call it at once.
  void add();
  /// The same at a time in seconds, of any clock that does not go back.
  void add(double now);

 private:
  std::string text(double now) const;

  std::ostream& out_;
  Progress::Output output_;
  std::string what_;
  std::size_t total_;
  std::mutex mutex_;
  std::size_t done_ = 0;
  double began_, shown_;
  bool drawn_ = false;
};

}  // namespace tandem::tools
