#include "user/cli/target.h"

#include <limits>
#include <string>

#include "user/base/format.h"
#include "user/base/netns.h"
#include "user/base/terminal.h"
#include "user/cli/arguments.h"
#include "user/cli/command.h"

namespace sockray {
namespace {

constexpr std::size_t longest_comm = SR_COMM_LEN - 1;
constexpr std::size_t longest_shown = 80;

}  // namespace

std::array<CLI::Option*, 2> add_process_options(CLI::App& verb, SelectOptions& options) {
    return {add_number(verb, "-p,--pid", options.pid, "only this process", 1, std::numeric_limits<std::int32_t>::max())
                ->type_name("PID"),
            add_text(verb, "--comm", options.comm, "only tasks of this name (at most 15 bytes)")->type_name("NAME")};
}

void add_select_options(CLI::App& verb, SelectOptions& options) {
    add_process_options(verb, options);
    CLI::Option* interface =
        add_text(verb, "-i,--interface", options.interface, "only sends through this interface")->type_name("IF");
    // An interface is looked up where sockray itself runs.
    add_text(verb, "--netns", options.netns,
             "only sockets in this network namespace: a name of `ip netns`, a path,\na process in it, or its inode")
        ->type_name("NETNS")
        ->excludes(interface);
    add_expression(verb, options.expression);
}

Result<Fd> find_process(const SelectOptions& options) {
    if (options.comm.size() > longest_comm)
        return usage(
            fmt::format("--comm takes at most {} bytes: the kernel keeps no more of a task's name", longest_comm),
            fmt::format("try --comm {}", printable(options.comm.substr(0, longest_comm))));
    if (!options.pid) return Fd();
    return watch_process(static_cast<pid_t>(options.pid));
}

Result<Target> find_target(const SelectOptions& options, std::string_view hint) {
    Target target;
    auto process = find_process(options);
    if (!process) return tl::unexpected(process.error());
    target.process = std::move(*process);
    auto frames = make_frame_filter(options.expression);
    if (!frames) {
        Error error = frames.error();
        error.remedy += hint;
        return tl::unexpected(error);
    }
    target.frames = std::move(*frames);
    if (!options.netns.empty()) {
        const auto netns = find_netns(options.netns);
        if (!netns) return tl::unexpected(netns.error());
        target.netns = *netns;
    }
    if (!options.interface.empty()) {
        auto interface = find_interface(options.interface,
                                        "trace all of its network namespace, with --netns NETNS in the place of -i");
        if (!interface) return tl::unexpected(interface.error());
        target.interface = std::move(*interface);
    }
    return target;
}

TraceOptions trace_options(const SelectOptions& select, const Target& target, const TracingOptions& tracing,
                           int stop_fd) {
    TraceOptions trace;
    trace.stop_fd = stop_fd;
    trace.ring_bytes = static_cast<std::uint32_t>(tracing.ring_bytes);
    trace.stages = tracing.stages;
    trace.in_flight = tracing.in_flight;
    trace.backend = tracing.backend;
    trace.filter.tgid = select.pid;
    trace.filter.comm = select.comm;
    trace.filter.netns = target.netns;
    trace.filter.frames = target.frames;
    if (target.interface) {
        trace.filter.ifindex = target.interface->ifindex;
        trace.filter.netns = target.interface->netns_ino;
        trace.filter.ifname = target.interface->name;
    }
    return trace;
}

std::string select_words(const SelectOptions& options) {
    std::string words;
    const auto add = [&](const std::string& word) { words += (words.empty() ? "" : ", ") + word; };
    if (options.pid) add(fmt::format("-p {}", options.pid));
    if (!options.comm.empty()) add(fmt::format("--comm {}", printable(options.comm)));
    if (!options.interface.empty()) add(fmt::format("-i {}", printable(options.interface)));
    if (!options.netns.empty()) add(fmt::format("--netns {}", shortened(printable(options.netns), longest_shown)));
    if (!options.expression.empty()) add(fmt::format("'{}'", shortened(printable(options.expression), longest_shown)));
    return words;
}

}  // namespace sockray
