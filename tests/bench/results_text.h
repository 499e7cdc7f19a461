// The results as a text table, and as one JSON object with all rounds.
#pragma once

#include <string>

#include "tests/bench/results.h"

namespace sockray::bench {

std::string results_text(const Results& results);
std::string results_json(const Results& results);

}  // namespace sockray::bench
