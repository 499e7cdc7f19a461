// sockray: the command line. Parses, and hands over to the verbs.
#include <CLI/CLI.hpp>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

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
standard output goes to standard error. Ends with Ctrl-C, with COMMAND, with the process of -p, or
after -c sends; then come who sent what, the chains and the ledger.

Examples:
  sockray trace -i eth0
  sockray trace --tree -c 1 -- arping -c 1 -I eth0 10.0.0.1
  sockray trace --json --comm dhclient > sends.jsonl

Exit status 1 where COMMAND cannot be run or failed.)";

constexpr const char* ops_footer = R"(
Example:
  sockray ops | grep sendmsg)";

// "4096", "64K", "8M"; the kernel wants a power of two of pages, so it is rounded up.
void add_ring_option(CLI::App& verb, std::uint64_t& bytes) {
    verb.add_option("--ring", bytes, "size of the ring buffer, e.g. 64K, 8M; rounded up to a power of two")
        ->transform(CLI::AsSizeValue(false))
        ->check(CLI::Range(std::uint64_t{1}, std::uint64_t{1} << 30))
        ->type_name("SIZE")
        ->default_str("8M");
}

template <typename T>
CLI::Validator at_least_one() {
    return CLI::Validator(
        [](std::string& text) {
            T value{};
            const bool number = CLI::detail::lexical_cast(text, value);
            if (number && value >= 1 && text.front() != '-') return std::string{};
            return "'" + text + "' is not a number of 1 or more";
        },
        "");
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

CLI::App& add_run(CLI::App& app, RunOptions& options) {
    static const std::map<std::string, SocketType> sockets{{"raw", SocketType::raw}, {"dgram", SocketType::dgram}};
    static const std::map<std::string, SendMethod> methods{
        {"sendto", SendMethod::sendto}, {"send", SendMethod::send}, {"sendmsg", SendMethod::sendmsg}};
    CLI::App& verb = *app.add_subcommand("run", "drive traffic, trace it, correlate; show the chain and the ledger");
    options.size = default_frame_size;
    verb.add_option("-i,--interface", options.interface, "send through this interface")->required()->type_name("IF");
    verb.add_option("-c,--count", options.count, "so many sends")
        ->required()
        ->check(at_least_one<std::uint64_t>())
        ->type_name("N");
    verb.add_option("--size", options.size, "bytes of each frame, Ethernet header included")
        ->type_name("B")
        ->capture_default_str();
    verb.add_option("--rate", options.rate, "sends per second; as fast as it goes without")
        ->check(at_least_one<std::uint64_t>())
        ->type_name("PPS");
    verb.add_option("--socket", options.socket, "raw (SOCK_RAW) or dgram (SOCK_DGRAM)")
        ->transform(CLI::CheckedTransformer(sockets))
        ->type_name("TYPE")
        ->default_str("raw");
    verb.add_option("--method", options.method, "sendto, send or sendmsg")
        ->transform(CLI::CheckedTransformer(methods))
        ->type_name("CALL")
        ->default_str("sendto");
    verb.add_option("--threads", options.threads, "sending threads, each with a socket of its own")
        ->check(CLI::Range(1U, max_drive_threads))
        ->type_name("T")
        ->capture_default_str();
    add_ring_option(verb, options.ring_bytes);
    verb.add_flag("--json", options.json, "plan, sockets, sends and summary, one JSON object each");
    verb.footer(run_footer);
    return verb;
}

CLI::App& add_trace(CLI::App& app, TraceVerbOptions& options) {
    CLI::App& verb = *app.add_subcommand("trace",
                                         "trace what other programs send: all, or only COMMAND and what it starts:\n"
                                         "  sockray trace [OPTIONS] [-- COMMAND ARGS...]");
    verb.add_option("-p,--pid", options.pid, "only this process")
        ->check(at_least_one<std::uint32_t>())
        ->type_name("PID");
    verb.add_option("--comm", options.comm, "only tasks of this name (at most 15 bytes)")->type_name("NAME");
    verb.add_option("-i,--interface", options.interface, "only sends through this interface")->type_name("IF");
    verb.add_option("-c,--count", options.count, "end after so many sends")
        ->check(at_least_one<std::uint64_t>())
        ->type_name("N");
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

int main_of(std::vector<std::string> arguments) {
    const bool with_dashes = std::find(arguments.begin(), arguments.end(), "--") != arguments.end();
    std::vector<std::string> command = split_command(arguments);

    CLI::App app(overview, "sockray");
    app.footer(overview_footer);
    app.set_version_flag("--version", "sockray " SOCKRAY_VERSION);
    app.require_subcommand(1);
    DoctorOptions doctor_options;
    OpsOptions ops_options;
    RunOptions run_options;
    TraceVerbOptions trace_options;
    const CLI::App& doctor_verb = add_doctor(app, doctor_options);
    const CLI::App& ops_verb = add_ops(app, ops_options);
    const CLI::App& run_verb = add_run(app, run_options);
    const CLI::App& trace_verb = add_trace(app, trace_options);

    try {
        std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
        app.parse(arguments);
    } catch (const CLI::Success& success) {
        return app.exit(success);  // --help, --version
    } catch (const CLI::ParseError& error) {
        say(error.what());
        say("  see: sockray --help, or sockray VERB --help");
        return exit_usage;
    }

    if (with_dashes && !trace_verb.parsed()) return say_error(usage("only trace takes a command behind --").value());
    if (with_dashes && command.empty()) return say_error(usage("there is no command behind --").value());
    trace_options.command = std::move(command);
    if (doctor_verb.parsed()) return doctor(doctor_options);
    if (ops_verb.parsed()) return ops(ops_options);
    if (run_verb.parsed()) return run(run_options);
    return trace(trace_options);
}

}  // namespace
}  // namespace sockray

int main(int argc, char** argv) {
    return sockray::main_of(std::vector<std::string>(argv + 1, argv + argc));
}
