// The results as one HTML page: a bar for each row of each metric, with the quartiles as a whisker, and the ratios with
// their bounds. It needs nothing from elsewhere.
#pragma once

#include <string>

#include "tests/bench/results.h"

namespace sockray::bench {

std::string results_html(const Results& results);

}  // namespace sockray::bench
