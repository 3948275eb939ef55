#pragma once
// The op cases of losses over a step's images (layers/losses), a part of the table in op_cases.h.

#include "tests/support/ops/op_cases.h"

namespace tandem::test {

std::vector<OpCase> loss_cases();

}  // namespace tandem::test
