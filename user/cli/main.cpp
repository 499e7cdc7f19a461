// sockray: the command line. Parses, and hands over to the verbs.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "user/base/terminal.h"
#include "user/cli/help.h"
#include "user/cli/numbers.h"
#include "user/cli/output.h"
#include "user/cli/verbs.h"
#include "user/drive/driver.h"
#include "user/drive/frame.h"

namespace sockray {
namespace {

constexpr std::uint64_t port_max = 65535;
constexpr std::uint64_t vlan_max = 4094;
constexpr std::uint64_t gso_max = 65534;  // 65535 is GSO_BY_FRAGS, which the kernel refuses: include/linux/virtio_net.h

// What an option's text becomes: the T of std::optional<T> too.
template <typename T>
struct Held {
    using Type = T;
};
template <typename T>
struct Held<std::optional<T>> {
    using Type = T;
};

// Takes the text as it stands, so that nothing is converted, wrapped or cut off on the way.
template <typename Parse, typename T>
CLI::Option* add_parsed(CLI::App& verb, const std::string& name, T& value, const std::string& help, Parse parse) {
    return verb.add_option_function<std::string>(
        name,
        [&value, name, parse](const std::string& text) {
            const auto parsed = parse(text);
            if (!parsed) throw CLI::ValidationError(name.substr(name.rfind(',') + 1), parsed.error().what);
            if constexpr (std::is_same_v<decltype(*parsed), const T&>)
                value = *parsed;
            else
                value = static_cast<typename Held<T>::Type>(*parsed);
        },
        help);
}

template <typename T>
CLI::Option* add_number(CLI::App& verb, const std::string& name, T& value, const std::string& help,
                        std::uint64_t least = 1, std::uint64_t most = std::numeric_limits<T>::max()) {
    return add_parsed(verb, name, value, help,
                      [least, most](const std::string& text) { return parse_number(text, least, most); });
}

// The kernel wants a power of two of pages, so it is rounded up.
void add_ring_option(CLI::App& verb, std::uint64_t& bytes) {
    constexpr std::uint64_t most = std::uint64_t{1} << 30;
    add_parsed(verb, "--ring", bytes, "size of the ring buffer, e.g. 64K, 8M; rounded up to a power of two",
               [](const std::string& text) { return parse_size(text, 1, most); })
        ->type_name("SIZE")
        ->default_str("8M");
}

// One of a few words.
template <typename T>
CLI::Option* add_choice(CLI::App& verb, const std::string& name, T& value, const std::string& help,
                        const std::map<std::string, T>& choices) {
    return add_parsed(verb, name, value, help, [choices](const std::string& text) -> Result<T> {
        const auto found = choices.find(text);
        if (found != choices.end()) return found->second;
        std::string words;
        for (const auto& [word, unused] : choices) words += (words.empty() ? "" : ", ") + word;
        return usage("'" + text + "' is none of: " + words);
    });
}

void add_backend_option(CLI::App& verb, std::optional<Backend>& backend) {
    static const std::map<std::string, std::optional<Backend>> choices{{"auto", std::nullopt},
                                                                       {"fentry", Backend::fentry},
                                                                       {"kprobe", Backend::kprobe},
                                                                       {"kprobe-multi", Backend::kprobe_multi}};
    add_choice(verb, "--backend", backend, "kind of hook: kprobe, kprobe-multi, fentry; auto takes the cheapest",
               choices)
        ->type_name("KIND")
        ->default_str("auto");
}

// An empty text is most likely a variable that a script forgot to set, and would mean no filter at all.
CLI::Option* add_text(CLI::App& verb, const std::string& name, std::string& value, const std::string& help) {
    return add_parsed(verb, name, value, help, [](const std::string& text) -> Result<std::string> {
        if (text.empty()) return usage("a name is needed, not an empty text");
        return text;
    });
}

void add_btf_option(CLI::App& verb, std::string& file) {
    add_text(verb, "--btf", file, "the kernel's types, where it has none of its own: BTF, or a vmlinux with .BTF")
        ->type_name("FILE");
}

void add_tracing_options(CLI::App& verb, TracingOptions& options) {
    add_parsed(verb, "--stages", options.stages, "what is hooked: chain, device, full, or names of stages (see doctor)",
               [](const std::string& text) { return parse_stages(text); })
        ->type_name("SET")
        ->default_str("chain");
    add_number(verb, "--in-flight", options.in_flight, "frames that can be followed at once behind their sends' return",
               1, 1U << 22)
        ->type_name("N")
        ->default_str(std::to_string(options.in_flight));
    add_backend_option(verb, options.backend);
    add_btf_option(verb, options.btf);
    add_ring_option(verb, options.ring_bytes);
}

CLI::App& add_doctor(CLI::App& app, DoctorOptions& options) {
    CLI::App& verb = *app.add_subcommand("doctor", "the plan for this kernel and what stands in the way");
    verb.add_flag("--json", options.json, "the lines of the plan, one JSON object each");
    add_btf_option(verb, options.btf);
    verb.footer(doctor_footer);
    return verb;
}

CLI::App& add_ops(CLI::App& app, OpsOptions& options) {
    CLI::App& verb = *app.add_subcommand("ops", "net_families[AF_PACKET] and the live packet_ops tables, by name");
    verb.add_flag("--json", options.json, "one JSON object a table");
    add_btf_option(verb, options.btf);
    verb.footer(ops_footer);
    return verb;
}

CLI::App& add_sockets(CLI::App& app, SocketsOptions& options) {
    CLI::App& verb = *app.add_subcommand("sockets", "every packet socket of the system, whoever opened it");
    verb.add_flag("--json", options.json, "one JSON object a socket");
    verb.footer(sockets_footer);
    return verb;
}

void add_socket_options(CLI::App& verb, SocketOptions& options) {
    static const std::map<std::string, SocketType> sockets = [] {
        std::map<std::string, SocketType> words;
        for (const SocketType type : {SocketType::raw, SocketType::dgram, SocketType::packet})
            words.emplace(socket_name(type), type);
        return words;
    }();
    static const std::map<std::string, SendMethod> methods = [] {
        std::map<std::string, SendMethod> words;
        for (const SendMethod method :
             {SendMethod::sendto, SendMethod::send, SendMethod::sendmsg, SendMethod::sendmmsg, SendMethod::write,
              SendMethod::writev, SendMethod::ring_v1, SendMethod::ring_v2, SendMethod::ring_v3})
            words.emplace(method_name(method), method);
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

CLI::App& add_run(CLI::App& app, RunOptions& options) {
    CLI::App& verb = *app.add_subcommand("run", "drive traffic, trace it, correlate; show the chain and the ledger");
    add_text(verb, "-i,--interface", options.interface, "send through this interface")->required()->type_name("IF");
    add_number(verb, "-c,--count", options.count,
               "so many sends; with -r: as many as the file has frames,\nunless said")
        ->type_name("N");
    add_parsed(verb, "--rate", options.rate, "sends per second; as fast as it goes without, and with 'max'",
               [](const std::string& text) -> Result<std::uint64_t> {
                   if (text == "max") return 0;
                   return parse_number(text, 1, Pacer::max_rate);
               })
        ->type_name("PPS|max");
    add_number(verb, "--threads", options.threads, "sending threads, each with a socket of its own", 1,
               max_drive_threads)
        ->type_name("T")
        ->default_str("1");
    CLI::Option* read = add_text(verb, "-r,--read", options.read,
                                 "the frames of a pcap or pcapng file, as they are and at their own\ntimes (or at "
                                 "--rate), again from the start up to -c")
                            ->type_name("FILE")
                            ->group("Frames");
    const std::vector<CLI::Option*> frame = add_frame_options(verb, options.frame);
    for (CLI::Option* option : frame) option->group("Frames");
    verb.parse_complete_callback([read, frame] {
        for (const CLI::Option* option : frame)
            if (read->count() && option->count())
                throw CLI::ValidationError(option->get_name(),
                                           "the frames of a file (-r) are sent as they are: they have no template");
    });
    add_socket_options(verb, options.socket);
    add_tracing_options(verb, options.tracing);
    verb.add_flag("--json", options.json, "plan, sockets, sends and summary, one JSON object each");
    verb.footer(run_footer);
    return verb;
}

CLI::App& add_trace(CLI::App& app, TraceVerbOptions& options) {
    CLI::App& verb = *app.add_subcommand("trace",
                                         "trace what other programs send: all, or only COMMAND and what it starts:\n"
                                         "  sockray trace [OPTIONS] [-- COMMAND ARGS...]");
    add_number(verb, "-p,--pid", options.pid, "only this process", 1, std::numeric_limits<std::int32_t>::max())
        ->type_name("PID");
    add_text(verb, "--comm", options.comm, "only tasks of this name (at most 15 bytes)")->type_name("NAME");
    add_text(verb, "-i,--interface", options.interface, "only sends through this interface")->type_name("IF");
    add_number(verb, "-c,--count", options.count, "end after so many sends")->type_name("N");
    add_tracing_options(verb, options.tracing);
    CLI::Option* tree = verb.add_flag("--tree", options.tree, "each send as a tree of stages with their times");
    verb.add_flag("--json", options.json, "one JSON object a line")->excludes(tree);
    verb.footer(trace_footer);
    return verb;
}

// Everything behind "--" is a command of its own and never parsed here.
std::vector<std::string> split_command(std::vector<std::string>& arguments) {
    const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
    std::vector<std::string> command;
    if (dashes != arguments.end()) command.assign(dashes + 1, arguments.end());
    arguments.erase(dashes, arguments.end());
    return command;
}

bool is_verb(const CLI::App& app, const std::string& word) {
    const auto verbs = app.get_subcommands([](const CLI::App*) { return true; });
    return std::any_of(verbs.begin(), verbs.end(), [&](const CLI::App* verb) { return verb->get_name() == word; });
}

bool is_app_option(const std::string& word) {
    return word == "-h" || word == "--help" || word == "--version";
}

// What was typed is echoed, but never raw and never at any length.
int say_usage(const std::string& what) {
    constexpr int most = 300;
    say(shortened(printable(what), most));
    say("  see: sockray --help, or sockray VERB --help");
    return exit_usage;
}

int main_of(std::vector<std::string> arguments) {
    const bool with_dashes = std::find(arguments.begin(), arguments.end(), "--") != arguments.end();
    std::vector<std::string> command = split_command(arguments);

    CLI::App app(overview, "sockray");
    app.footer(overview_footer);
    app.set_version_flag("--version", "sockray " SOCKRAY_VERSION);
    app.require_subcommand(1);
    DoctorOptions doctor_options;
    OpsOptions ops_options;
    SocketsOptions sockets_options;
    RunOptions run_options;
    TraceVerbOptions trace_options;
    const CLI::App& doctor_verb = add_doctor(app, doctor_options);
    const CLI::App& ops_verb = add_ops(app, ops_options);
    const CLI::App& sockets_verb = add_sockets(app, sockets_options);
    const CLI::App& run_verb = add_run(app, run_options);
    const CLI::App& trace_verb = add_trace(app, trace_options);

    if (arguments.empty()) return say_usage("which verb? doctor, run, trace, ops or sockets");
    if (arguments.front() == "help") arguments.front() = "--help";
    if (!is_verb(app, arguments.front()) && !is_app_option(arguments.front()))
        return say_usage("there is no verb '" + arguments.front() + "'");
    try {
        std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
        app.parse(arguments);
    } catch (const CLI::Success& success) {
        return app.exit(success);  // --help, --version
    } catch (const CLI::ExtrasError& error) {
        return say_usage(std::string(error.what()) + (trace_verb.parsed() ? "; a command goes behind --" : ""));
    } catch (const CLI::ParseError& error) {
        return say_usage(error.what());
    }

    if (with_dashes && !trace_verb.parsed()) return say_error(usage("only trace takes a command behind --").value());
    if (with_dashes && command.empty()) return say_error(usage("there is no command behind --").value());
    trace_options.command = std::move(command);
    if (doctor_verb.parsed()) return doctor(doctor_options);
    if (ops_verb.parsed()) return ops(ops_options);
    if (sockets_verb.parsed()) return sockets(sockets_options);
    if (run_verb.parsed()) return run(run_options);
    return trace(trace_options);
}

}  // namespace
}  // namespace sockray

// A descriptor 0 to 2 that is closed would be given to something else. Returns whether there is a standard output.
static bool open_standard_descriptors() {
    const bool output = ::fcntl(STDOUT_FILENO, F_GETFD) >= 0;
    for (int fd = 0; fd <= 2; fd++)
        if (::fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", O_RDWR);
    return output;
}

int main(int argc, char** argv) {
    if (!open_standard_descriptors()) {
        sockray::say("standard output is closed: there is nowhere to write results to");
        return sockray::exit_failed;
    }
    ::signal(SIGPIPE, SIG_IGN);  // a closed standard output is an error of write()
    return sockray::main_of(std::vector<std::string>(argv + 1, argv + argc));
}
