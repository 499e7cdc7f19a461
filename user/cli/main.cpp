// sockray: the command line. Parses, and hands over to the verbs.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "user/base/terminal.h"
#include "user/cli/numbers.h"
#include "user/cli/output.h"
#include "user/cli/verbs.h"
#include "user/drive/driver.h"
#include "user/drive/frame.h"

namespace sockray {
namespace {

constexpr const char* overview =
    R"(An X-ray for Linux packet sockets: what the kernel did with every AF_PACKET socket that was
created and every frame sent through one; which functions it went through, how long each took,
how it ended.)";

constexpr const char* overview_footer = R"(
Examples:
  sockray doctor                              what can be seen on this kernel
  sockray run -i veth0 -c 1000                drive traffic, trace it, show chain and ledger
  sockray trace -i eth0                       what other programs send through eth0
  sockray trace --tree -- arping -c 1 10.0.0.1
  sockray ops                                 the kernel's own tables, by name
  sockray sockets                             every packet socket of the system

Exit status: 0 done; 1 the run failed; 2 wrong usage; 3 this kernel or these privileges do not
allow it. Results go to standard output, everything else to standard error.)";

constexpr const char* doctor_footer = R"help(
Loads and attaches every program, sends one frame on a private loopback interface to check the
plan, and takes everything away again.

Example:
  sockray doctor --json | jq -r 'select(.evidence == "located") | "\(.stage) +\(.offset)"'

Exit status 3 where the main job cannot run; the first line then says why.)help";

constexpr const char* run_footer = R"(
Each frame carries the number of its send; the kernel side reads it back from the frame, and every
send is matched by number and by thread.

Examples:
  sockray run -i veth0 -c 100000
  sockray run -i eth0 -c 600 --rate 100 --size 1514 --method sendmsg
  sockray run -i veth0 -c 1000 --json | jq -r 'select(.type == "summary")'

Exit status 1 where no send at all was delivered, or the run was interrupted.)";

constexpr const char* trace_footer = R"(
Says "ready" on standard error when every hook is armed; a COMMAND starts only then, and its own
standard output goes to standard error. Ends with Ctrl-C (SIGINT, SIGTERM), with COMMAND, with the
process of -p, or after -c sends; then come who sent what, the chains and the ledger. A COMMAND
that still runs then is ended by SIGTERM; what it left in the background is not traced any more.

Examples:
  sockray trace -i eth0
  sockray trace --tree -c 1 -- arping -c 1 -I eth0 10.0.0.1
  sockray trace --json --comm dhclient > sends.jsonl

Exit status 1 where COMMAND cannot be run or failed.)";

constexpr const char* ops_footer = R"(
Example:
  sockray ops | grep sendmsg)";

constexpr const char* sockets_footer = R"help(
Of each socket: who holds it, its type, protocol and interface, rings, fanout group, options, buffers
and counters, as the kernel has them. Reading changes nothing: the counters that
getsockopt(PACKET_STATISTICS) sets to 0 stay.

Examples:
  sockray sockets
  sockray sockets --json | jq -r 'select(.drops > 0) | "\(.processes[0].comm) lost \(.drops)"')help";

// Takes the text as it stands, so that nothing is converted, wrapped or cut off on the way.
template <typename Parse, typename T>
CLI::Option* add_parsed(CLI::App& verb, const std::string& name, T& value, const std::string& help, Parse parse) {
    return verb.add_option_function<std::string>(
        name,
        [&value, name, parse](const std::string& text) {
            const auto parsed = parse(text);
            if (!parsed) throw CLI::ValidationError(name.substr(name.rfind(',') + 1), parsed.error().what);
            value = static_cast<T>(*parsed);
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

// An empty text is most likely a variable that a script forgot to set, and would mean no filter at all.
CLI::Option* add_text(CLI::App& verb, const std::string& name, std::string& value, const std::string& help) {
    return add_parsed(verb, name, value, help, [](const std::string& text) -> Result<std::string> {
        if (text.empty()) return usage("a name is needed, not an empty text");
        return text;
    });
}

CLI::App& add_doctor(CLI::App& app, DoctorOptions& options) {
    CLI::App& verb = *app.add_subcommand("doctor", "the plan for this kernel and what stands in the way");
    verb.add_flag("--json", options.json, "the lines of the plan, one JSON object each");
    verb.footer(doctor_footer);
    return verb;
}

CLI::App& add_ops(CLI::App& app, OpsOptions& options) {
    CLI::App& verb = *app.add_subcommand("ops", "net_families[AF_PACKET] and the live packet_ops tables, by name");
    verb.add_flag("--json", options.json, "one JSON object a table");
    verb.footer(ops_footer);
    return verb;
}

CLI::App& add_sockets(CLI::App& app, SocketsOptions& options) {
    CLI::App& verb = *app.add_subcommand("sockets", "every packet socket of the system, whoever opened it");
    verb.add_flag("--json", options.json, "one JSON object a socket");
    verb.footer(sockets_footer);
    return verb;
}

CLI::App& add_run(CLI::App& app, RunOptions& options) {
    static const std::map<std::string, SocketType> sockets{{"raw", SocketType::raw}, {"dgram", SocketType::dgram}};
    static const std::map<std::string, SendMethod> methods{
        {"sendto", SendMethod::sendto}, {"send", SendMethod::send}, {"sendmsg", SendMethod::sendmsg}};
    CLI::App& verb = *app.add_subcommand("run", "drive traffic, trace it, correlate; show the chain and the ledger");
    options.size = default_frame_size;
    add_text(verb, "-i,--interface", options.interface, "send through this interface")->required()->type_name("IF");
    add_number(verb, "-c,--count", options.count, "so many sends")->required()->type_name("N");
    add_number(verb, "--size", options.size, "bytes of each frame, Ethernet header included", min_frame_size,
               max_frame_size)
        ->type_name("B")
        ->default_str(std::to_string(default_frame_size));
    add_number(verb, "--rate", options.rate, "sends per second; as fast as it goes without")->type_name("PPS");
    add_choice(verb, "--socket", options.socket, "raw (SOCK_RAW) or dgram (SOCK_DGRAM)", sockets)
        ->type_name("TYPE")
        ->default_str("raw");
    add_choice(verb, "--method", options.method, "sendto, send or sendmsg", methods)
        ->type_name("CALL")
        ->default_str("sendto");
    add_number(verb, "--threads", options.threads, "sending threads, each with a socket of its own", 1,
               max_drive_threads)
        ->type_name("T")
        ->default_str("1");
    add_ring_option(verb, options.ring_bytes);
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
    add_ring_option(verb, options.ring_bytes);
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
