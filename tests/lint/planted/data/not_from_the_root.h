#pragma once
#include "list_file.h"
