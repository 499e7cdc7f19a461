#include "user/report/ops_text.h"

#include <algorithm>
#include <iterator>

#include "user/base/json.h"
#include "user/base/paragraph.h"
#include "user/live/constants.h"

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
    for (const OpsTable& table : tables.tables) {
        {
            JsonObject object(out);
            object.text("type", "ops");
            object.text("table", table.name);
            object.text("struct", table.type);
            object.text("address", fmt::format("{:#x}", table.address));
            object.number("family", table.family);
            JsonObject handlers = object.object("handlers");
            for (const OpsTable::Handler& handler : table.handlers) {
                if (handler.function.empty())
                    handlers.null(handler.name);
                else
                    handlers.text(handler.name, handler.function);
            }
        }
        end_line(out);
    }
}

}  // namespace sockray
