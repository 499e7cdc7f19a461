// A row of values as a little picture.
#pragma once

#include <deque>
#include <string>

namespace sockray {

// The last `width` values, a column each, between 0 and the largest of them; filled up with blanks on the left. A value
// that is not 0 is never blank.
std::string sparkline(const std::deque<double>& values, int width, bool utf8);

}  // namespace sockray
