#include "user/live/sparkline.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>

namespace sockray {

std::string sparkline(const std::deque<double>& values, int width, bool utf8) {
    static constexpr std::string_view blocks[] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    static constexpr std::string_view ascii[] = {" ", ".", ":", "-", "=", "+", "*", "#", "@"};
    constexpr double steps = 8;
    const std::size_t room = static_cast<std::size_t>(std::max(width, 0));
    const std::size_t shown = std::min(values.size(), room);
    const auto begin = values.end() - static_cast<std::ptrdiff_t>(shown);
    const double most = shown ? *std::max_element(begin, values.end()) : 0;
    std::string text(room - shown, ' ');
    for (auto value = begin; value != values.end(); ++value) {
        const double step = most > 0 && *value > 0 ? std::clamp(std::ceil(*value / most * steps), 1.0, steps) : 0;
        text += (utf8 ? blocks : ascii)[static_cast<std::size_t>(step)];
    }
    return text;
}

}  // namespace sockray
