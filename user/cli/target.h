// Which sends a verb that watches others looks at: from the command line to the tracer's filter.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "user/base/frame_filter.h"
#include "user/cli/verbs.h"
#include "user/drive/interface.h"
#include "user/probe/tracer.h"

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace sockray {

// What the command line asks for, looked up before anything is loaded.
struct Target {
    std::optional<Interface> interface;
    Fd process;  // of -p: readable when it ends
    std::uint32_t netns = 0;
    FrameFilter frames;
};

// -p and --comm. Returns both.
std::array<CLI::Option*, 2> add_process_options(CLI::App& verb, SelectOptions& options);
// These, -i, --netns and EXPRESSION.
void add_select_options(CLI::App& verb, SelectOptions& options);

// The process of -p, readable when it ends; nothing without -p. Errors: there is none; --comm is no task's name.
Result<Fd> find_process(const SelectOptions& options);

// Errors: usage for what makes no sense, with `hint` behind the remedy for an expression; there is no such process,
// interface or namespace.
Result<Target> find_target(const SelectOptions& options, std::string_view hint = {});

// `stop_fd`: TraceOptions::stop_fd.
TraceOptions trace_options(const SelectOptions& select, const Target& target, const TracingOptions& tracing,
                           int stop_fd);

// "-p 12, --comm ping": what was asked for, as it was given; empty for all.
std::string select_words(const SelectOptions& options);

}  // namespace sockray
