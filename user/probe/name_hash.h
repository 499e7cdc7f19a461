// A number for a name, to pass over almost all of the kernel's hundred thousand names without looking at them.
#pragma once

#include <cstdint>
#include <string_view>

namespace sockray {

// FNV-1a of a name up to its first dot: a function's is that of what gcc derived from it (NAME.isra.0).
constexpr std::uint32_t name_hash(std::string_view name) {
    std::uint32_t hash = 2166136261;
    for (const char c : name) {
        if (c == '.') break;
        hash = (hash ^ static_cast<unsigned char>(c)) * 16777619;
    }
    return hash;
}

}  // namespace sockray
