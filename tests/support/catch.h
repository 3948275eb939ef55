#pragma once
// Catch2, version 2 (Debian 12, Ubuntu 22.04) or 3 (Ubuntu 24.04).

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx;  // as version 2 has it
#else
#include <catch2/catch.hpp>
#endif

#include <iostream>

/// Ends the test case as skipped, with the reason: ctest counts it as SKIPPED.
#define TANDEM_SKIP(reason)                       \
  do {                                            \
    std::cout << "SKIPPED: " << (reason) << '\n'; \
    return;                                       \
  } while (false)
