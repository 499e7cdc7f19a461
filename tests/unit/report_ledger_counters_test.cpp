// The ledger's sentences on receiving packet sockets.
#include <gtest/gtest.h>

#include <string>

#include "tests/unit/report_texts.h"

namespace sockray {
namespace {

using namespace texts;

ReceiverDelta agreeing(std::uint64_t ino) {
    ReceiverDelta delta;
    delta.socket_ino = ino;
    delta.pid = 191;
    delta.comm = "tcp\x1b[2J";
    delta.taken = 12;
    delta.full = 18;
    delta.tp_packets = 30;
    delta.tp_drops = 18;
    delta.sk_drops = 18;
    return delta;
}

std::string text_of(const ReceiverCounters& counters) {
    Ending ending;
    ending.receivers = counters;
    fmt::memory_buffer out;
    append_ledger_text(out, ending, {}, {}, wide);
    const std::string text = fmt::to_string(out);
    return text.substr(text.find("sockets created"));
}

TEST(LedgerCounters, OfASocketStandBesideWhatItTookWithDropsWhereThereAreAny) {
    ReceiverDelta taken = agreeing(801);
    taken.taken = 30;
    taken.full = taken.tp_drops = 0;
    taken.sk_drops = 0;
    const std::string text = text_of({.sockets = {agreeing(777), taken}, .own = 0, .unnamed = 0, .unread = ""});
    EXPECT_TRUE(has(text,
                    "packet socket 777 of tcp\\x1b[2J[191] counted tp_packets +30 = taken or without room 30\n"
                    "    it counted tp_drops +18 = without room 18\n"
                    "  packet socket 801 of tcp\\x1b[2J[191] counted tp_packets +30 = taken or without room 30\n"))
        << text;
    EXPECT_FALSE(has(text, "sk_drops")) << text;
}

TEST(LedgerCounters, OfDevicesThatWereNotReadAreNamed) {
    Devices devices;
    Send send = made::delivered();
    devices.add(send, made::Names());
    send.record.netns_ino = 77;
    made::set(send.record.ifname, "x0");
    for (int i = 0; i < 3; i++) devices.add(send, made::Names());
    Ending ending;
    DeviceDelta& delta = ending.devices.emplace_back();
    delta.ifname = "veth0";
    delta.netns_ino = made::delivered().record.netns_ino;
    const auto text_of_devices = [&] {
        fmt::memory_buffer out;
        append_ledger_text(out, ending, {}, devices, wide);
        return fmt::to_string(out);
    };
    EXPECT_TRUE(
        has(text_of_devices(),
            "  x0 (network namespace 77): 3 sends came to it, 3 frames delivered; its counters were not read\n"))
        << text_of_devices();
    EXPECT_FALSE(has(text_of_devices(), "veth0:"));
    ending.cut_off = true;
    EXPECT_FALSE(has(text_of_devices(), "not read"));
}

TEST(LedgerCounters, ThatAgreeAreOneLineWhereTheyAreMany) {
    ReceiverCounters counters;
    for (std::uint64_t ino = 1; ino <= 4; ino++) counters.sockets.push_back(agreeing(ino));
    ReceiverDelta other = agreeing(5);
    other.tp_packets = 31;
    counters.sockets.push_back(other);
    const std::string text = text_of(counters);
    EXPECT_TRUE(has(text,
                    "packet socket 5 of tcp\\x1b[2J[191] counted tp_packets +31: 1 more than the 30 taken or "
                    "without room, of others than the traced senders, or sent while tracing began or ended\n"))
        << text;
    EXPECT_TRUE(has(text, "4 packet sockets counted tp_packets +120, tp_drops +72: each as many")) << text;
    EXPECT_FALSE(has(text, "packet socket 4")) << text;
}

TEST(LedgerCounters, ThatWereSetBackShowTheDropsThatWereNot) {
    ReceiverDelta delta = agreeing(777);
    delta.tp_packets = delta.tp_drops = 5;
    const std::string text = text_of({.sockets = {delta}, .own = 0, .unnamed = 0, .unread = ""});
    EXPECT_TRUE(has(text, "tp_packets +5: 25 fewer than the 30 taken or without room; its owner read them meanwhile"))
        << text;
    EXPECT_TRUE(has(text, "it counted sk_drops +18 = without room 18\n")) << text;
}

TEST(LedgerCounters, OfManySocketsThatDifferAreTenAndTheirNumber) {
    ReceiverCounters counters;
    for (std::uint64_t ino = 1; ino <= 12; ino++) {
        counters.sockets.push_back(agreeing(ino));
        counters.sockets.back().tp_packets++;
    }
    const std::string text = text_of(counters);
    EXPECT_TRUE(has(text, "packet socket 10 ")) << text;
    EXPECT_FALSE(has(text, "packet socket 11 ")) << text;
    EXPECT_TRUE(has(text, "2 packet sockets more differ")) << text;
}

TEST(LedgerCounters, OfSocketsThatAreGoneOrCouldNotBeReadSayThat) {
    ReceiverDelta gone = agreeing(777);
    gone.gone = true;
    EXPECT_TRUE(
        has(text_of({.sockets = {gone}, .own = 0, .unnamed = 0, .unread = ""}),
            "packet socket 777 of tcp\\x1b[2J[191] is closed, or not held by a process any more: what it counted "
            "cannot be held against the 12 taken and 18 without room\n"));
    EXPECT_TRUE(has(text_of({.sockets = {gone, gone}, .own = 0, .unnamed = 0, .unread = ""}),
                    "2 packet sockets are closed, or not held by a process any more: what they counted cannot be held "
                    "against the 24 taken and 36 without room\n"));
    EXPECT_TRUE(has(text_of({.sockets = {}, .own = 0, .unnamed = 0, .unread = "the kernel has no BTF"}),
                    "what these sockets counted could not be read: the kernel has no BTF\n"));
}

}  // namespace
}  // namespace sockray
