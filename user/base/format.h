// libfmt, for everybody who formats: with the declaration that its formatter is compiled in the library.
//
// fmt 9.1 lost that declaration (fmt 10 has it again), so that every file which formats would compile all of the
// formatter anew, with its tables of powers: two thirds of the time that such a file takes.
#pragma once

#include <fmt/format.h>

#include <cstring>
#include <string_view>

#if FMT_VERSION < 100000 && !defined(FMT_HEADER_ONLY)
extern template void fmt::detail::vformat_to(fmt::detail::buffer<char>&, fmt::string_view,
                                             fmt::basic_format_args<fmt::buffer_context<char>>,
                                             fmt::detail::locale_ref);
#endif

namespace sockray {

// Appends the pieces. (Of out.append() fmt 9.1 makes a call and a loop, and a piece after the other looks for room
// each time. For what is written for each send: inline, so that constants are stores and not calls.)
template <typename... Pieces>
[[gnu::always_inline]] inline void append_all(fmt::memory_buffer& out, const Pieces&... pieces) {
    const std::size_t size = out.size();
    out.resize(size + (std::string_view(pieces).size() + ...));
    char* end = out.data() + size;
    const auto copy = [&end](std::string_view piece) __attribute__((always_inline)) {
        std::memcpy(end, piece.data(), piece.size());
        end += piece.size();
    };
    (copy(std::string_view(pieces)), ...);
}

inline std::string_view view(const fmt::format_int& digits) {
    return {digits.data(), digits.size()};
}
inline std::string_view view(const fmt::memory_buffer& text) {
    return {text.data(), text.size()};
}

}  // namespace sockray
