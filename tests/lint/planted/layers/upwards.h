#pragma once
#include "core/base/error.h"
#include "cpu/backend.h"
