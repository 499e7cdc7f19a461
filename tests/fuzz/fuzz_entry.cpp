// Any bytes as a block, as what stands in one, and as an entry of a recording: an entry that is read can be written,
// and comes back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "user/record/entry.h"
#include "user/record/pcapng.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    bool swapped = false;
    (void)sockray::pcapng::take_block(bytes, swapped);
    for (const bool other_order : {false, true}) {
        (void)sockray::pcapng::parse_interface(bytes, other_order);
        (void)sockray::pcapng::parse_packet(bytes, other_order);
    }
    const auto entry = sockray::parse_entry(bytes);
    if (!entry) return 0;
    std::string again;
    std::visit(
        [&](const auto& known) {
            if constexpr (requires { put_entry(again, known); }) put_entry(again, known);
        },
        *entry);
    if (!again.empty() && !sockray::parse_entry(again)) std::abort();
    return 0;
}
