#pragma once
// The findings as text for a terminal, as JSON for programs and as a page for a browser.

#include <nlohmann/json.hpp>
#include <string>

#include "tools/study/findings.h"

namespace tandem::tools {

/// A data set, and everything that was found out about it. The members outlive it.
struct Report {
  const Parts& parts;
  const Photos& photos;
  const Findings& findings;
  std::int64_t max_pixels;
};

/// Images per class and part, then the remarks and the copies, of each kind the first ones. Lines.
std::string report_text(const Report& report);

/// Formats, sizes, brightness, cameras as lines.
std::string distributions_text(const std::vector<Distribution>& all);

/// The keys are described in docs/outputs.md.
nlohmann::ordered_json report_json(const Report& report);

/// One file that opens in a browser from anywhere. Photos are shown small, at most 300 of them; each is decoded for it.
std::string report_html(const Report& report);

}  // namespace tandem::tools
