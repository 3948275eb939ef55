#pragma once
#include "core/error.h"
#include "cpu/backend.h"
