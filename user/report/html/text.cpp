#include "user/report/html/text.h"

#include "user/base/terminal.h"

namespace sockray::html {

std::string escaped(std::string_view text) {
    std::string safe;
    for (const char c : printable(text)) switch (c) {
            case '&': safe += "&amp;"; break;
            case '<': safe += "&lt;"; break;
            case '>': safe += "&gt;"; break;
            case '"': safe += "&quot;"; break;
            case '\'': safe += "&#39;"; break;
            default: safe += c;
        }
    return safe;
}

std::string number(std::uint64_t count) {
    const std::string digits = std::to_string(count);
    std::string grouped;
    for (std::size_t i = 0; i < digits.size(); i++) {
        if (i && (digits.size() - i) % 3 == 0) grouped += ',';
        grouped += digits[i];
    }
    return grouped;
}

std::string column_percent(double share) {
    if (share > 0 && share < 0.001) return "&lt; 0.1 %";
    if (share < 1 && share > 0.999) return "&gt; 99.9 %";
    return fmt::format("{:.1f} %", share * 100);
}

std::string counted(std::uint64_t count, std::string_view noun) {
    return fmt::format("{} {}{}", number(count), noun, count == 1 ? "" : "s");
}

}  // namespace sockray::html
