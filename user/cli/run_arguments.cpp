// The command line of sockray run.
#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "user/cli/arguments.h"
#include "user/cli/help.h"
#include "user/drive/driver.h"
#include "user/drive/frame.h"

namespace sockray {
namespace {

constexpr std::uint64_t port_max = 65535;
constexpr std::uint64_t vlan_max = 4094;
constexpr std::uint64_t gso_max = 65534;  // 65535 is GSO_BY_FRAGS, which the kernel refuses: include/linux/virtio_net.h

void add_socket_options(CLI::App& verb, SocketOptions& options) {
    static const std::map<std::string, SocketType> sockets = [] {
        std::map<std::string, SocketType> words;
        for (const SocketType type : {SocketType::raw, SocketType::dgram, SocketType::packet})
            words.emplace(socket_name(type), type);
        return words;
    }();
    static const std::map<std::string, SendMethod> methods = [] {
        std::map<std::string, SendMethod> words;
        for (const SendMethod method : send_methods) words.emplace(method_name(method), method);
        return words;
    }();
    const char* group = "How to send";
    add_choice(verb, "--socket", options.type,
               "raw (SOCK_RAW), dgram (SOCK_DGRAM: the kernel builds the\nEthernet header) or packet (SOCK_PACKET)",
               sockets)
        ->type_name("TYPE")
        ->default_str("raw")
        ->group(group);
    add_choice(
        verb, "--method", options.method,
        "sendto, send, sendmsg, sendmmsg, write, writev, or a TX ring:\nring-v1, ring-v2, ring-v3 (TPACKET_V1 to 3)",
        methods)
        ->type_name("CALL")
        ->default_str("sendto")
        ->group(group);
    add_number(verb, "--batch", options.batch, "frames that one sendmmsg or one call on a TX ring takes", 1, max_batch)
        ->type_name("N")
        ->default_str(std::to_string(default_batch))
        ->group(group);
    verb.add_flag("--bypass", options.bypass, "past the qdisc and its taps (PACKET_QDISC_BYPASS)")->group(group);
    verb.add_flag("--vnet-hdr", options.vnet_hdr, "a struct virtio_net_hdr before each frame (PACKET_VNET_HDR)")
        ->group(group);
}

// The template's options, which say what the frames of a file say already.
std::vector<CLI::Option*> add_frame_options(CLI::App& verb, FrameSpec& frame) {
    static const std::map<std::string, FrameKind> kinds = [] {
        std::map<std::string, FrameKind> words;
        for (const FrameKind kind : {FrameKind::ethernet, FrameKind::arp, FrameKind::ipv4, FrameKind::ipv6,
                                     FrameKind::udp, FrameKind::udp6, FrameKind::tcp, FrameKind::tcp6})
            words.emplace(frame_name(kind), kind);
        return words;
    }();
    return {
        add_choice(
            verb, "--frame", frame.kind,
            "template: ethernet (ethertype 0x88b5), arp (a request), ipv4, ipv6\n(protocol 253), udp, udp6, tcp, "
            "tcp6",
            kinds)
            ->type_name("KIND")
            ->default_str("ethernet"),
        add_parsed(
            verb, "--size", frame.size,
            "bytes of each frame, Ethernet header included; A-B: one more\neach time. More than 60 where KIND needs it",
            parse_sizes)
            ->type_name("B|A-B")
            ->default_str("60"),
        add_parsed(verb, "--src-mac", frame.source_mac, "Ethernet source; without: the interface's own", parse_mac)
            ->type_name("MAC"),
        add_parsed(verb, "--dst-mac", frame.destination_mac, "Ethernet destination; without: 02:73:6f:63:6b:72",
                   parse_mac)
            ->type_name("MAC"),
        add_text(verb, "--src", frame.source, "IP source; without: 192.0.2.1, 2001:db8::1")->type_name("ADDRESS"),
        add_text(verb, "--dst", frame.destination, "IP destination; without: 192.0.2.2, 2001:db8::2")
            ->type_name("ADDRESS"),
        add_number(verb, "--sport", frame.source_port, "source port; without: 49152", 0, port_max)->type_name("PORT"),
        add_number(verb, "--dport", frame.destination_port, "destination port; without: 9 (discard)", 0, port_max)
            ->type_name("PORT"),
        add_number(verb, "--vlan", frame.vlan, "802.1Q tag, 1 to 4094", 1, vlan_max)->type_name("ID"),
        add_number(verb, "--gso", frame.gso,
                   "with --vnet-hdr: UDP or TCP to be cut into segments of so many\nbytes of payload", 1, gso_max)
            ->type_name("B"),
    };
}

}  // namespace

void add_run(CLI::App& app, Action& action) {
    const auto options = std::make_shared<RunOptions>();
    CLI::App& verb = *app.add_subcommand("run", "drive traffic, trace it, correlate; show the chain and the ledger");
    add_text(verb, "-i,--interface", options->interface, "send through this interface")->required()->type_name("IF");
    add_number(verb, "-c,--count", options->count,
               "so many sends; with -r: as many as the file has frames,\nunless said")
        ->type_name("N");
    add_parsed(verb, "--rate", options->rate, "sends per second; as fast as it goes without, and with 'max'",
               [](const std::string& text) -> Result<std::uint64_t> {
                   if (text == "max") return 0;
                   return parse_number(text, 1, Pacer::max_rate);
               })
        ->type_name("PPS|max");
    add_number(verb, "--threads", options->threads, "sending threads, each with a socket of its own", 1,
               max_drive_threads)
        ->type_name("T")
        ->default_str("1");
    CLI::Option* read = add_text(verb, "-r,--read", options->read,
                                 "the frames of a pcap or pcapng file, as they are and at their own\ntimes (or at "
                                 "--rate), again from the start up to -c")
                            ->type_name("FILE")
                            ->group("Frames");
    const std::vector<CLI::Option*> frame = add_frame_options(verb, options->frame);
    for (CLI::Option* option : frame) option->group("Frames");
    verb.parse_complete_callback([read, frame] {
        for (const CLI::Option* option : frame)
            if (read->count() && option->count())
                throw CLI::ValidationError(option->get_name(),
                                           "the frames of a file (-r) are sent as they are: they have no template");
    });
    add_socket_options(verb, options->socket);
    add_expression(verb, options->expression);
    add_outcome_option(verb, options->outcomes);
    add_tracing_options(verb, options->tracing);
    CLI::Option* no_cost = add_calibrate_option(verb, options->tracing);
    add_record_options(verb, options->record);
    CLI::Option* without = add_without_hooks_option(verb, options->without_hooks)->excludes(no_cost);
    verb.add_flag("--json", options->json, "plan, sockets, sends and summary, one JSON object each")->excludes(without);
    verb.footer(run_footer);
    verb.callback([options, &action] { action = [options] { return run(*options); }; });
}

}  // namespace sockray
