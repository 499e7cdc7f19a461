// sockray capture: what an interface sends and receives.
#include <fmt/format.h>
#include <linux/if_packet.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "user/base/clock.h"
#include "user/base/terminal.h"
#include "user/capture/expression.h"
#include "user/capture/frame_reader.h"
#include "user/capture/receiver.h"
#include "user/cli/arguments.h"
#include "user/cli/help.h"
#include "user/cli/output.h"
#include "user/cli/privileges.h"
#include "user/cli/recording.h"
#include "user/cli/session.h"
#include "user/cli/signals.h"
#include "user/cli/verbs.h"
#include "user/correlate/capture_teller.h"
#include "user/drive/interface.h"
#include "user/live/views.h"
#include "user/report/summary_text.h"

namespace sockray {
namespace {

constexpr int idle_every_ms = 100;
constexpr std::uint64_t count_every_ns = 1'000'000'000;  // long before the kernel's 32 bits are full

// Nothing is traced, and so nothing is named.
class NoNames : public KernelNames {
  public:
    std::string symbol(std::uint64_t) const override { return {}; }
    std::string drop_reason(std::uint32_t) const override { return {}; }
};

// What the command line asks for, looked up and opened.
struct Target {
    TapInterface interface;
    Receiver receiver;
};

std::uint32_t own_netns() {
    struct stat info {};
    return ::stat("/proc/thread-self/ns/net", &info) == 0 ? static_cast<std::uint32_t>(info.st_ino) : 0;
}

Result<TapInterface> find_tap(const std::string& name) {
    TapInterface tap{name, 0, own_netns(), linktype_linux_sll2};
    if (name == "any") return tap;
    const auto interface = find_interface(name);
    if (!interface) return tl::unexpected(interface.error());
    tap.ifindex = interface->ifindex;
    return tap;
}

Result<Target> open_target(const CaptureVerbOptions& options) {
    auto tap = find_tap(options.interface);
    if (!tap) return tl::unexpected(tap.error());
    const auto link = link_type_of_interface(tap->ifindex);
    if (!link) return tl::unexpected(link.error());
    tap->link_type = link->linktype;
    auto filter = compile_expression(options.expression, options.interface, *link);
    if (!filter) return tl::unexpected(filter.error());
    CaptureOptions capture;
    capture.ifindex = tap->ifindex;
    capture.snaplen = options.record.snaplen;
    capture.ring_bytes = options.ring_bytes;
    capture.rings = options.fanout;
    capture.filter = std::move(*filter);
    auto receiver = Receiver::open(capture);
    if (!receiver) return tl::unexpected(receiver.error());
    return Target{std::move(*tap), std::move(*receiver)};
}

// Writes out what the view before it has appended.
class Flusher : public Sink {
  public:
    explicit Flusher(Output& out) : out_(out) {}
    void frame(const TapFrame&) override { out_.flush_if_large(); }

  private:
    Output& out_;
};

// From the rings to whoever listens.
class ToTeller : public FrameSink {
  public:
    explicit ToTeller(CaptureTeller& teller) : teller_(teller) {}
    void frame(const CapturedFrame& frame) override {
        teller_.frame({nullptr, frame.bytes, frame.length, frame.realtime_ns, frame.pkttype == PACKET_OUTGOING});
    }

  private:
    CaptureTeller& teller_;
};

// Until a signal, -c, the end of the recording or of the output. Errors: the capture has ended by itself.
Status pump(Target& target, FrameReader& reader, CaptureTeller& teller, Recording& recording, Output& out,
            StopSignals& signals) {
    ToTeller sink(teller);
    std::uint64_t counted_ns = monotonic_ns();
    for (;;) {
        pollfd waits[] = {{signals.fd(), POLLIN, 0}, {reader.fd(), POLLIN, 0}, {out.fd(), 0, 0}};
        ::poll(waits, 3, idle_every_ms);
        if (Status going = reader.take(sink); !going) return going;
        teller.idle();
        out.flush();
        if (signals.take() != 0 || teller.limit_reached() || recording.is_full() || recording.failed()) return {};
        if (out.error() != 0 || (waits[2].revents & (POLLERR | POLLNVAL)) != 0) return {};
        if (monotonic_ns() - counted_ns < count_every_ns) continue;
        counted_ns = monotonic_ns();
        if (const auto counts = target.receiver.counts(); !counts) return tl::unexpected(counts.error());
    }
}

// What the rings still hold, and what the kernel counted: of a capture that has ended with an error too.
CaptureLedger finish(Target& target, FrameReader& reader, CaptureTeller& teller, Status& status) {
    ToTeller sink(teller);
    reader.stop();
    if (Status taken = reader.take(sink); !taken && status) status = taken;
    auto counts = target.receiver.finish(sink);
    if (!counts) {
        if (status) status = tl::unexpected(counts.error());
        counts = target.receiver.counts();
    }
    CaptureLedger totals;
    if (!counts) return totals;
    totals.seen = counts->seen;
    totals.dropped = counts->dropped;
    totals.cut = counts->cut;
    totals.freezes = counts->freezes;
    return totals;
}

}  // namespace

int capture(const CaptureVerbOptions& options) {
    StopSignals signals;
    auto target = open_target(options);
    if (!target) return say_error(target.error());
    auto recording = Recording::create(options.record, options.json, signals.fd());
    if (!recording) return say_error(recording.error());
    Output out(recording->text_fd(), signals.fd());
    const Style style = style_of(out.fd());
    const View view = options.json ? View::json : options.record.write.empty() ? View::lines : View::totals;
    Summary summary;
    const auto shown_in = make_view(view, out.buffer(), style, summary.devices());
    Flusher flusher(out);
    std::vector<Sink*> listeners{&summary, shown_in.get(), &flusher};
    if (recording->writer()) {
        recording->writer()->describe(target->interface);
        listeners.push_back(recording->writer());
    }
    CaptureTeller teller(std::move(listeners), target->interface, options.count);

    const Origin origin = origin_of(0);
    const Plan plan;
    const NoNames names;
    teller.begin(origin, plan, names);
    drop_privileges();
    auto reader = FrameReader::start(target->receiver);
    if (!reader) return say_error(reader.error());
    say("ready");
    Status status = pump(*target, **reader, teller, *recording, out, signals);
    const CaptureLedger totals = finish(*target, **reader, teller, status);
    Ending ending;
    ending.end_ns = monotonic_ns();
    teller.end(ending, totals);
    if (!options.json) summary.append_text(out.buffer(), style);
    out.flush();
    if (!status) say_error(status.error());
    const bool unrecorded = recording->failed();
    const bool unshown = say_output_error(out);
    if (unshown) {
        Output err(STDERR_FILENO);
        summary.append_ledger(err.buffer(), style_of(STDERR_FILENO));
        err.flush();
    }
    return status && !unrecorded && !unshown && teller.ledger().balances() ? exit_done : exit_failed;
}

void add_capture(CLI::App& app, Action& action) {
    const auto options = std::make_shared<CaptureVerbOptions>();
    CLI::App& verb = *app.add_subcommand("capture",
                                         "what an interface sends and receives: all, or what FILTER selects:\n"
                                         "  sockray capture -i IF [OPTIONS] [FILTER...]");
    add_text(verb, "-i,--interface", options->interface, "capture on this interface; any: on all")
        ->required()
        ->type_name("IF");
    add_number(verb, "-c,--count", options->count, "end after so many frames")->type_name("N");
    add_number(verb, "--fanout", options->fanout, "rings, each read by a thread of its own; flows are spread over them",
               1, max_capture_rings)
        ->type_name("N")
        ->default_str("1");
    add_parsed(verb, "--ring", options->ring_bytes, "memory of each ring, e.g. 64K, 8M; at least two blocks are taken",
               [](const std::string& text) { return parse_size(text, 1, max_capture_ring_bytes); })
        ->type_name("SIZE")
        ->default_str("8M");
    verb.add_option_function<std::vector<std::string>>(
            "FILTER",
            [options](const std::vector<std::string>& words) {
                for (const std::string& word : words)
                    options->expression += (options->expression.empty() ? "" : " ") + word;
                if (options->expression.find_first_not_of(' ') == std::string::npos)
                    throw CLI::ValidationError("FILTER", "a filter is needed, not an empty text");
            },
            "pcap-filter(7), as tcpdump takes it. Names are never looked up by DNS")
        ->type_name("");
    add_record_options(verb, options->record);
    verb.add_flag("--json", options->json, "frames and the ledger, one JSON object each");
    verb.footer(capture_footer);
    verb.callback([options, &action] { action = [options] { return capture(*options); }; });
}

}  // namespace sockray
