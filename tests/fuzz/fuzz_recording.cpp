// Any bytes as a whole recording, and as the entries of one whose begin is right: through all reports.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "tests/unit/all_reports.h"
#include "user/record/entry.h"
#include "user/record/layout.h"
#include "user/record/pcapng.h"

namespace {

void put_entry_block(std::string& out, std::string_view entry) {
    std::string body(sockray::entry_magic);
    const auto length = static_cast<std::uint32_t>(entry.size());
    body.append(reinterpret_cast<const char*>(&length), sizeof length);
    body += entry;
    sockray::pcapng::put_block(out, sockray::entry_block, body);
}

std::string start() {
    std::string out;
    sockray::pcapng::put(out, sockray::pcapng::Section{"x86_64", "Linux", "sockray"});
    sockray::pcapng::put(out, sockray::pcapng::Interface{1, 65535, "veth0", ""});
    sockray::OriginEntry origin;
    origin.origin.machine = "x86_64";
    origin.origin.stages = 1;
    std::string entry;
    sockray::put_entry(entry, origin);
    put_entry_block(out, entry);
    return out;
}

// Two bytes are the length of what follows and its kind: an entry's, or a block's of somebody else.
std::string recording_of(std::string_view bytes) {
    static const std::string begin = start();
    std::string out = begin;
    while (bytes.size() > 2) {
        const auto kind = static_cast<unsigned char>(bytes[0]);
        const std::string_view body = bytes.substr(2, static_cast<unsigned char>(bytes[1]));
        bytes.remove_prefix(2 + body.size());
        if (kind % 16 < 8) {
            std::string entry(1, static_cast<char>((kind % 8 + 1) << 3 | 2));
            if (body.size() >= 0x80) entry += static_cast<char>(body.size() | 0x80);
            entry += static_cast<char>(body.size() >= 0x80 ? body.size() >> 7 : body.size());
            put_entry_block(out, entry.append(body));
        } else {
            sockray::pcapng::put_block(out, kind % 8, body);
        }
    }
    return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    sockray::AllReports reports;
    (void)reports.make_of(bytes);
    (void)reports.make_of(recording_of(bytes));
    return 0;
}
