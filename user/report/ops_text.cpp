#include "user/report/ops_text.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "user/live/constants.h"
#include "user/live/json_lines.h"

namespace sockray {

void append_ops_text(fmt::memory_buffer& out, const PacketTables& tables, const Style& style) {
    auto to = std::back_inserter(out);
    paint(out, style, Tone::bold, "net_families[AF_PACKET]");
    fmt::format_to(to, " = {}\n", tables.net_family);
    for (const OpsTable& table : tables.tables) {
        fmt::format_to(to, "\n");
        paint(out, style, Tone::bold, table.name);
        fmt::format_to(to, "  struct {}, family {} ({})\n", table.type, table.family, family_text(table.family));
        int width = 0;
        for (const OpsTable::Handler& handler : table.handlers) width = std::max(width, columns(handler.name));
        for (const OpsTable::Handler& handler : table.handlers) {
            fmt::format_to(to, "  .{:{}} = ", handler.name, width);
            paint(out, style, handler.function.empty() ? Tone::dim : Tone::plain,
                  handler.function.empty() ? "NULL" : handler.function);
            fmt::format_to(to, "\n");
        }
    }
}

void append_ops_json(fmt::memory_buffer& out, const PacketTables& tables) {
    auto to = std::back_inserter(out);
    for (const OpsTable& table : tables.tables) {
        fmt::format_to(to, R"({{"type":"ops","table":)");
        append_json_string(out, table.name);
        fmt::format_to(to, R"(,"struct":"{}","address":"{:#x}","family":{},"handlers":{{)", table.type, table.address,
                       table.family);
        const char* comma = "";
        for (const OpsTable::Handler& handler : table.handlers) {
            fmt::format_to(to, R"({}"{}":)", std::exchange(comma, ","), handler.name);
            if (handler.function.empty())
                fmt::format_to(to, "null");
            else
                append_json_string(out, handler.function);
        }
        fmt::format_to(to, "}}}}\n");
    }
}

}  // namespace sockray
