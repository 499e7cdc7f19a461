// sockray capture: what an interface sends and receives, with the story of each send.
#include <linux/if_packet.h>
#include <poll.h>
#include <unistd.h>

#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "user/base/clock.h"
#include "user/base/fd.h"
#include "user/base/format.h"
#include "user/base/frame_filter.h"
#include "user/base/loopback.h"
#include "user/base/netns.h"
#include "user/base/terminal.h"
#include "user/capture/expression.h"
#include "user/capture/frame_reader.h"
#include "user/capture/receiver.h"
#include "user/cli/arguments.h"
#include "user/cli/capture_story.h"
#include "user/cli/flusher.h"
#include "user/cli/help.h"
#include "user/cli/output.h"
#include "user/cli/priority.h"
#include "user/cli/privileges.h"
#include "user/cli/recording.h"
#include "user/cli/session.h"
#include "user/cli/signals.h"
#include "user/cli/target.h"
#include "user/cli/verbs.h"
#include "user/correlate/capture_teller.h"
#include "user/drive/interface.h"
#include "user/live/views.h"
#include "user/report/summary_text.h"

namespace sockray {
namespace {

constexpr std::uint64_t count_every_ns = 1'000'000'000;  // long before the kernel's 32 bits are full

// One ring alone has to hold what comes while the file's disk makes the thread wait that reads it: 32 MiB are 40 ms of
// frames of 1500 bytes as fast as one sender makes them. Of several each is emptied by a thread that does not write.
std::uint64_t default_ring_bytes_of(unsigned rings) {
    constexpr std::uint64_t alone = std::uint64_t{32} << 20;
    return rings == 1 ? alone : default_capture_ring_bytes;
}

// Nothing is traced, and so nothing is named.
class NoNames : public KernelNames {
  public:
    std::string symbol(std::uint64_t) const override { return {}; }
    std::string drop_reason(std::uint32_t) const override { return {}; }
};

// What is captured, looked up and opened.
struct Tapping {
    TapInterface tap;
    std::optional<Interface> interface;  // none: any
    Fd process;                          // of -p: readable when it ends
    Result<FrameFilter> frames;          // for the story
    CaptureOptions options;
    Receiver receiver;
};

Result<Tapping> open_taps(const CaptureVerbOptions& options) {
    const SelectOptions& select = options.select;
    auto process = find_process(select);
    if (!process) return tl::unexpected(process.error());
    if (!select.netns.empty()) {
        if (Status entered = enter_netns(select.netns); !entered) return tl::unexpected(entered.error());
    }
    std::optional<Interface> interface;
    if (select.interface != "any") {
        auto found = find_interface(select.interface, "name its network namespace: --netns NETNS");
        if (!found) return tl::unexpected(found.error());
        interface = std::move(*found);
    }
    const auto netns = current_netns();
    if (!netns) return tl::unexpected(netns.error());
    const int ifindex = interface ? interface->ifindex : 0;
    const auto link = link_type_of_interface(ifindex);
    if (!link) return tl::unexpected(link.error());
    auto filter = compile_expression(select.expression, select.interface, *link);
    if (!filter) return tl::unexpected(filter.error());
    auto frames = options.no_trace ? FrameFilter{} : make_frame_filter(select.expression);
    CaptureOptions capture;
    capture.ifindex = ifindex;
    capture.snaplen = options.record.snaplen;
    capture.ring_bytes = options.ring_bytes ? options.ring_bytes : default_ring_bytes_of(options.fanout);
    capture.rings = options.fanout;
    capture.waits = true;
    capture.filter = std::move(*filter);
    if (options.selects_sends()) capture.direction = CaptureDirection::out;
    auto receiver = Receiver::open(capture);
    if (!receiver) return tl::unexpected(receiver.error());
    return Tapping{{select.interface, ifindex, *netns, link->linktype},
                   std::move(interface),
                   std::move(*process),
                   std::move(frames),
                   std::move(capture),
                   std::move(*receiver)};
}

void say_without_story(const Error& why) {
    say("frames come without the story of their sends: " + why.what);
    if (!why.remedy.empty()) say("to have it: " + why.remedy);
}

// Nothing where it is not asked for, or not possible and not needed: says why, once, and frames come without it.
Result<std::unique_ptr<CaptureStory>> start_story(const CaptureVerbOptions& options, Tapping& target, int stop_fd) {
    if (options.no_trace) return nullptr;
    auto story = target.frames.and_then([&](const FrameFilter& frames) {
        return CaptureStory::start(options, target.tap, target.interface, frames, stop_fd);
    });
    if (!story && is_readable(stop_fd)) return tl::unexpected(story.error());
    if (!story && options.selects_sends()) {
        Error error = story.error();
        error.what = "who sent a frame, and how that ended, cannot be told: " + error.what;
        return tl::unexpected(error);
    }
    if (!story) {
        say_without_story(story.error());
        return nullptr;
    }
    if (!options.selects_sends()) target.options.direction = CaptureDirection::all;
    // Attaching takes seconds: what came meanwhile is not waited for. The old sockets go behind the new ones, so that
    // the kernel goes on to take timestamps.
    auto receiver = Receiver::open(target.options);
    if (!receiver) return tl::unexpected(receiver.error());
    target.receiver = std::move(*receiver);
    return std::move(*story);
}

// From the rings to whoever listens.
class ToTeller : public FrameSink {
  public:
    explicit ToTeller(CaptureTeller& teller) : teller_(teller) {}
    void frame(const CapturedFrame& frame) override {
        const bool outgoing = frame.pkttype == PACKET_OUTGOING;
        teller_.frame({nullptr, frame.bytes, frame.length, frame.realtime_ns, outgoing,
                       outgoing && frame.ifindex == loopback_ifindex});
    }

  private:
    CaptureTeller& teller_;
};

// Until a signal, -c, the end of the process, the recording or the output. Errors: the capture has ended by itself.
Status pump(Tapping& target, FrameReader& reader, CaptureStory* story, CaptureTeller& teller, Recording& recording,
            Output& out, StopSignals& signals) {
    constexpr std::uint64_t longest_linger_ns = 1'000'000'000;
    ToTeller sink(teller);
    std::uint64_t counted_ns = monotonic_ns();
    std::optional<std::uint64_t> ended_ns;  // the process; frames of its sends may be under way still
    for (bool idle = !story;;) {
        pollfd waits[] = {{signals.fd(), POLLIN, 0},
                          {reader.fd(), POLLIN, 0},
                          {out.fd(), 0, 0},
                          {story ? story->fd() : -1, POLLIN, 0},
                          {target.process && !ended_ns ? target.process.get() : -1, POLLIN, 0}};
        ::poll(waits, std::size(waits), wait_ms(idle && !ended_ns));
        if (Status going = reader.take(sink); !going) return going;
        if (story) {
            teller.came_before(story->written());
            idle = story->read() == 0;
            teller.caught_up(story->read_to());
        } else {
            teller.idle();
        }
        out.flush();
        if (signals.take() != 0 || teller.limit_reached() || recording.is_full() || recording.failed()) return {};
        if (out.error() != 0 || (waits[2].revents & (POLLERR | POLLNVAL)) != 0) return {};
        if (ended_ns && (story->waiting() == 0 || monotonic_ns() - *ended_ns > longest_linger_ns)) return {};
        if ((waits[4].revents & POLLIN) != 0) {
            story->stop();
            ended_ns = monotonic_ns();
        }
        if (monotonic_ns() - counted_ns < count_every_ns) continue;
        counted_ns = monotonic_ns();
        if (const auto counts = target.receiver.counts(); !counts) return tl::unexpected(counts.error());
    }
}

// What the rings still hold, and what the kernel counted: of a capture that has ended with an error too.
CaptureLedger finish(Tapping& target, FrameReader& reader, CaptureTeller& teller, Status& status) {
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
    end_by_signals();
    auto target = open_taps(options);
    if (!target) return say_error(target.error());
    StopSignals signals;
    auto story = start_story(options, *target, signals.fd());
    if (!story) return say_error(story.error());
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
        recording->writer()->describe(target->tap);
        listeners.push_back(recording->writer());
    }
    CaptureTeller teller(std::move(listeners), target->tap, options.count);

    // Attaching took seconds: what came by meanwhile has no story, and is before the beginning.
    if (Status begun = target->receiver.begin(); !begun) return say_error(begun.error());
    const Origin origin = origin_of(0);
    const Plan plan;
    const NoNames names;
    if (*story) {
        if (options.selects_sends())
            teller.select_sends(options.outcomes, summary);
        else
            teller.expect_sends();
        if (Status begun = (*story)->begin(target->receiver, teller, out); !begun) return say_error(begun.error());
    } else {
        teller.begin(origin, plan, names);
    }
    go_before_others();
    drop_privileges({.new_files = options.record.rotation.is_on()});
    auto reader = FrameReader::start(target->receiver);
    if (!reader) return say_error(reader.error());
    say("ready");
    Status status = pump(*target, **reader, story->get(), teller, *recording, out, signals);
    // The rings are shut and emptied before the records are read that are left: a frame finds its send, or the other
    // way round, and none waits for room.
    if (*story) (*story)->halt();
    teller.set_totals(finish(*target, **reader, teller, status));
    if (*story) (*story)->close();
    bool balanced = true;
    if (*story) {
        balanced = (*story)->end(teller);
    } else {
        Ending ending;
        ending.end_ns = monotonic_ns();
        teller.end(ending);
    }
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
    if (*story) say_what_is_waited_for((*story)->tracer());
    return status && !unrecorded && !unshown && balanced && teller.ledger().balances() ? exit_done : exit_failed;
}

void add_capture(CLI::App& app, Action& action) {
    const auto options = std::make_shared<CaptureVerbOptions>();
    CLI::App& verb = *app.add_subcommand("capture",
                                         "what an interface sends and receives: all, or what FILTER selects:\n"
                                         "  sockray capture -i IF [OPTIONS] [FILTER...]");
    add_text(verb, "-i,--interface", options->select.interface, "capture on this interface; any: on all")
        ->required()
        ->type_name("IF");
    add_text(verb, "--netns", options->select.netns,
             "of this network namespace: a name of `ip netns`, a path, or a process in it")
        ->type_name("NETNS");
    add_number(verb, "-c,--count", options->count, "end after so many frames")->type_name("N");
    add_number(verb, "--fanout", options->fanout,
               "rings; several are each read by a thread of its own, and flows spread over them", 1, max_capture_rings)
        ->type_name("N")
        ->default_str("1");
    add_parsed(verb, "--ring", options->ring_bytes,
               "memory of each ring, e.g. 64K, 8M; at least two blocks are\ntaken; that of the story has as much, and "
               "8M at least",
               [](const std::string& text) { return parse_size(text, 1, max_capture_ring_bytes); })
        ->type_name("SIZE")
        ->default_str("32M, with --fanout 8M");
    add_expression(verb, options->select.expression, "FILTER", "");
    const auto [pid, comm] = add_process_options(verb, options->select);
    CLI::Option* outcome = add_outcome_option(verb, options->outcomes);
    CLI::Option* no_trace = verb.add_flag("--no-trace", options->no_trace, "without the story of each send");
    CLI::Option* stages = add_parsed(verb, "--stages", options->stages,
                                     "of the story: chain, device, full, or names of stages (see doctor)",
                                     [](const std::string& text) { return parse_stages(text); })
                              ->type_name("SET")
                              ->default_str("chain");
    for (CLI::Option* of_story : {pid, comm, outcome, stages, add_in_flight_option(verb, options->in_flight),
                                  add_btf_option(verb, options->btf)})
        no_trace->excludes(of_story);
    add_record_options(verb, options->record);
    verb.add_flag("--json", options->json, "frames and the ledger, one JSON object each");
    verb.footer(capture_footer);
    verb.callback([options, &action] { action = [options] { return capture(*options); }; });
}

}  // namespace sockray
