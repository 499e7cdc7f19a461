// The style and the script of the page, as they are in page.css and page.js.
#pragma once

#include <string>
#include <string_view>

namespace sockray::html {

struct Asset {
    std::string_view text;
    std::string_view sha256;  // in hexadecimal digits
};

extern const Asset style;
extern const Asset script;

// What allows exactly this text in a content security policy: "'sha256-...'".
std::string csp_source(const Asset& asset);

}  // namespace sockray::html
