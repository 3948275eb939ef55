#include "tools/study/counting.h"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <utility>

#include "core/base/timing.h"

namespace tandem::tools {
namespace {

constexpr double kRedraw = 0.1;  // Seconds between drawings on a terminal.
constexpr double kPlain = 10;    // Seconds between plain lines.

}  // namespace

Counting::Counting(std::ostream& out, Progress::Output output, std::string what, std::size_t total)
    : out_(out), output_(std::move(output)), what_(std::move(what)), total_(total), began_(seconds()), shown_(began_) {}

Counting::Counting(std::string what, std::size_t total)
    : Counting(std::cerr, Progress::standard_error(), std::move(what), total) {}

Counting::~Counting() {
  if (drawn_) out_ << "\r\x1b[K" << std::flush;
}

void Counting::add() { add(seconds()); }

void Counting::add(double now) {
  const std::lock_guard lock(mutex_);
  ++done_;
  if (now - shown_ < (output_.terminal ? kRedraw : kPlain)) return;
  shown_ = now;
  if (output_.terminal) {
    out_ << '\r' << text(now).substr(0, static_cast<std::size_t>(std::max(2, output_.width()) - 1)) << "\x1b[K"
         << std::flush;
    drawn_ = true;
  } else {
    out_ << text(now) << std::endl;
  }
}

std::string Counting::text(double now) const {
  const double passed = now - began_, rate = static_cast<double>(done_) / std::max(passed, 1e-9);
  return fmt::format("{} {}/{} {:.1f}/s {} left", what_, done_, total_, rate,
                     duration_text(static_cast<double>(total_ - std::min(done_, total_)) / rate));
}

}  // namespace tandem::tools
