// top_window [DELAY-MS]: the window of `sockray top` over made-up sends, for terminals on machines that cannot trace.
#include <poll.h>
#include <unistd.h>

#include <cstdlib>
#include <iterator>
#include <string>
#include <utility>

#include "tests/unit/analyze_records.h"
#include "user/base/clock.h"
#include "user/cli/output.h"
#include "user/cli/signals.h"
#include "user/cli/top_display.h"
#include "user/cli/window.h"

namespace {

using namespace sockray;

struct Load {
    const char* comm;
    const char* ifname;
    std::uint32_t pid;
    unsigned sends;  // every 20 ms
};
constexpr Load loads[] = {{"trafgen", "enp65s0f1np1", 811, 900},
                          {"tcpreplay", "veth0", 4194303, 210},
                          {"wpa_supplicant", "wlan0", 702, 1},
                          {"dhclient", "veth1", 912, 1},
                          {"lldpd", "veth2", 77, 1},
                          {"ptp4l", "veth1", 1204, 4},
                          {"\x1b[31mhostile", "veth0", 6, 2},
                          {"한글이름", "veth0", 7, 3}};

void feed(ActivitySink& sink, Ledger& ledger, unsigned round) {
    for (const Load& load : loads)
        for (unsigned i = 0; i < load.sends + load.sends * (round % 50) / 50; i++) {
            const std::uint64_t scale = 1 + (i * 7 + round) % 5 + (i % 101 == 0 ? 30 : 0);
            Send send = i % 40 == 7   ? made::dropped()
                        : i % 64 == 9 ? made::failed()
                                      : made::delivered(1, 1'000'000, scale);
            send.record.pid = load.pid;
            made::set(send.record.comm, load.comm);
            made::set(send.record.ifname, load.ifname);
            sink.send(send);
            ledger.decoded++;
            ledger.sends.seen++;
            ledger.decoded_by_outcome[static_cast<std::size_t>(send.outcome)]++;
        }
}

}  // namespace

int main(int argc, char** argv) {
    const std::uint64_t every_ns = (argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1000) * 1'000'000;
    StopSignals signals;
    auto window = Window::open(signals.fd());
    if (!window) return say_error(window.error());
    ActivitySink sink;
    Origin origin;
    origin.start_ns = monotonic_ns();
    origin.realtime_offset_ns =
        static_cast<std::int64_t>(clock_ns(CLOCK_REALTIME)) - static_cast<std::int64_t>(origin.start_ns);
    sink.begin(origin, {}, made::Names{});
    Output out(STDOUT_FILENO, signals.fd());
    TopDisplay display(sink, out, std::move(*window), TopSort::rate);
    Ledger ledger;
    std::uint64_t next = origin.start_ns + every_ns;
    for (unsigned round = 0;; round++) {
        pollfd waits[] = {{signals.fd(), POLLIN, 0}, {display.keys_fd(), POLLIN, 0}, {display.signals_fd(), POLLIN, 0}};
        ::poll(waits, std::size(waits), 20);
        if (signals.take() != 0) break;
        if ((waits[1].revents | waits[2].revents) != 0 && !display.react()) break;
        feed(sink, ledger, round);
        if (const std::uint64_t now = monotonic_ns(); now >= next) {
            next = now + every_ns;
            sink.close_interval(now);
            display.show(ledger);
        }
        if (display.error()) return 1;
    }
    display.close();
    out.buffer().append(std::string_view("ended\n"));
    out.flush();
    return 0;
}
