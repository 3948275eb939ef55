#pragma once
// The op cases of core/ops/arithmetic.h, a part of the table in op_cases.h.

#include "tests/support/ops/op_cases.h"

namespace tandem::test {

std::vector<OpCase> arithmetic_cases();

}  // namespace tandem::test
