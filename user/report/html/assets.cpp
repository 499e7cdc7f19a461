#include "user/report/html/assets.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <vector>

namespace sockray::html {

namespace {

std::string base64(const std::vector<std::uint8_t>& bytes) {
    static constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        const std::size_t here = std::min<std::size_t>(bytes.size() - i, 3);
        std::uint32_t group = 0;
        for (std::size_t byte = 0; byte < 3; byte++) group = group << 8 | (byte < here ? bytes[i + byte] : 0U);
        for (std::size_t digit = 0; digit < 4; digit++)
            text += digit <= here ? digits[group >> (18 - 6 * digit) & 63] : '=';
    }
    return text;
}

}  // namespace

std::string csp_source(const Asset& asset) {
    std::vector<std::uint8_t> hash;
    for (std::size_t i = 0; i + 1 < asset.sha256.size(); i += 2) {
        std::uint8_t byte = 0;
        std::from_chars(asset.sha256.data() + i, asset.sha256.data() + i + 2, byte, 16);
        hash.push_back(byte);
    }
    return "'sha256-" + base64(hash) + "'";
}

}  // namespace sockray::html
