// Entries of a recording as bytes: the messages of recording.proto.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>

#include "user/base/origin.h"
#include "user/base/plan.h"
#include "user/correlate/send.h"
#include "user/correlate/sink.h"

namespace sockray {

struct OriginEntry {
    Origin origin;
    std::uint32_t file = 0;  // of those that a session was divided into
};
struct SymbolEntry {
    std::uint64_t address = 0;
    std::string name;
};
struct DropReasonEntry {
    std::uint32_t number = 0;
    std::string name;
};
struct SocketEntry {
    std::uint64_t id = 0;
    sr_socket record{};
};
// The session goes on in another file.
struct PartEntry {
    std::uint32_t file = 0;
};
// Of a kind that this sockray does not know: written by a later one.
struct UnknownEntry {};

using Entry = std::variant<UnknownEntry, OriginEntry, PlanLine, SymbolEntry, DropReasonEntry, SocketEntry, Send, Ending,
                           PartEntry>;

// Each appends one message Entry to `out`.
void put_entry(std::string& out, const OriginEntry& entry);
void put_entry(std::string& out, const PlanLine& line);
void put_entry(std::string& out, const SymbolEntry& entry);
void put_entry(std::string& out, const DropReasonEntry& entry);
void put_entry(std::string& out, const SocketEntry& entry);
void put_entry(std::string& out, const Send& send);
void put_entry(std::string& out, const Ending& ending);
void put_entry(std::string& out, const PartEntry& entry);

// Total: any bytes give an entry or a text that says what is wrong with them. Records in it are as decode() makes them:
// strings end, stages fit their slots, spans do not end before they begin. Send::frame is not part of it.
tl::expected<Entry, std::string_view> parse_entry(std::string_view bytes);

// The same to where it is to stay, for sends are large and come by the million. The error is what is wrong with the
// bytes, and `entry` is then anything; empty: nothing.
std::string_view parse_entry(std::string_view bytes, Entry& entry);

}  // namespace sockray
