// What a session shows of itself while it runs, where it shows no send by itself.
#include "user/live/views.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string>

#include "tests/unit/analyze_records.h"

namespace sockray {
namespace {

// Of sockets that threads of these names created.
std::string shown(std::initializer_list<const char*> names) {
    fmt::memory_buffer out;
    const Devices devices;
    const auto view = make_view(View::totals, out, Style{}, devices);
    const Plan plan = made::plan();
    const made::Names symbols;
    view->begin({}, plan, symbols);
    std::uint64_t id = 0;
    for (const char* name : names) {
        sr_socket socket = made::socket();
        made::set(socket.comm, name);
        view->socket(socket, ++id);
    }
    view->end({});
    return fmt::to_string(out);
}

bool holds(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST(TheView, ShowsTheFirstSocketWholeAndCountsTheOthers) {
    EXPECT_TRUE(shown({"arping"}).starts_with("SOCKET 1  arping[812]"));
    EXPECT_FALSE(holds(shown({"arping"}), "more"));
    EXPECT_TRUE(holds(shown({"arping", "other"}), "\nand 1 more socket\n"));
    EXPECT_TRUE(holds(shown({"arping", "other", "third"}), "\nand 2 more sockets\n"));
    EXPECT_FALSE(holds(shown({"arping", "other"}), "SOCKET 2"));
}

// They come first, since a sockray checks its hooks as it begins, and nobody asked for them.
TEST(TheView, TellsTheSocketsOfASockraysOwnCheckInOneLineBehindTheOthers) {
    const std::string text = shown({"sockray-check", "sockray-check", "arping", "other"});
    EXPECT_TRUE(text.starts_with("SOCKET 3  arping[812]")) << text;
    EXPECT_TRUE(holds(text, "\nand 1 more socket\nand 2 sockets of sockray-check, ")) << text;
    const std::string alone = shown({"sockray-check"});
    EXPECT_TRUE(alone.starts_with("1 socket of sockray-check, ")) << alone;
    EXPECT_FALSE(holds(alone, "SOCKET"));
}

}  // namespace
}  // namespace sockray
