// libfmt, for everybody who formats: with the declaration that its formatter is compiled in the library.
//
// fmt 9.1 lost that declaration (fmt 10 has it again), so that every file which formats would compile all of the
// formatter anew, with its tables of powers: two thirds of the time that such a file takes.
#pragma once

#include <fmt/format.h>

#if FMT_VERSION < 100000 && !defined(FMT_HEADER_ONLY)
extern template void fmt::detail::vformat_to(fmt::detail::buffer<char>&, fmt::string_view,
                                             fmt::basic_format_args<fmt::buffer_context<char>>, fmt::detail::locale_ref);
#endif
