// The verbs of the command line: their options as parsed, and what carries each out.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "user/base/stage_set.h"
#include "user/correlate/outcome_set.h"
#include "user/drive/frame.h"
#include "user/drive/socket.h"
#include "user/live/top_state.h"
#include "user/probe/backend.h"
#include "user/record/file_names.h"

namespace CLI {
class App;
}

namespace sockray {

// Exit statuses, as the README says. ErrorKind maps onto them.
inline constexpr int exit_done = 0;
inline constexpr int exit_failed = 1;
inline constexpr int exit_usage = 2;
inline constexpr int exit_not_allowed = 3;

inline constexpr std::uint32_t default_ring_bytes = 8U << 20;

struct DoctorOptions {
    std::string btf;  // here and below: file with the kernel's types, empty for the kernel's own
    bool json = false;
};

struct OpsOptions {
    std::string btf;
    bool json = false;
};

struct SocketsOptions {
    bool json = false;
};

// Frames that are followed at once behind the return of their sends.
constexpr std::uint32_t default_in_flight = 65536;

// What the verbs that trace share.
struct TracingOptions {
    std::uint64_t ring_bytes = default_ring_bytes;
    StageSet stages = chain_stages;
    std::optional<Backend> backend;  // none: auto
    std::uint32_t in_flight = default_in_flight;
    std::string btf;
    bool no_calibrate = false;
};

// -w and what goes with it.
struct RecordOptions {
    std::string write;  // empty: nothing is recorded
    std::uint32_t snaplen = 262144;
    Rotation rotation;
};

struct RunOptions {
    std::string interface;
    std::uint64_t count = 0;  // 0: not said
    FrameSpec frame;
    std::string read;                   // file with the frames; empty: those of `frame`
    std::optional<std::uint64_t> rate;  // sends per second, 0: as fast as it goes
    unsigned threads = 1;
    SocketOptions socket;
    std::string expression;              // pcap-filter(7), here and below; empty: all frames
    OutcomeSet outcomes = all_outcomes;  // of these, sends are shown and recorded, here and below
    TracingOptions tracing;
    RecordOptions record;
    bool without_hooks = false;
    bool json = false;
};

// Which sends of others are looked at (user/cli/target.h).
struct SelectOptions {
    std::uint32_t pid = 0;
    std::string comm;
    std::string interface;
    std::string netns;  // as find_netns() takes it; empty: any
    std::string expression;
};

struct TraceVerbOptions {
    SelectOptions select;
    OutcomeSet outcomes = all_outcomes;
    std::uint64_t count = 0;  // 0: no limit
    TracingOptions tracing;
    RecordOptions record;
    bool tree = false;
    bool without_hooks = false;
    bool json = false;
    std::vector<std::string> command;
};

struct CaptureVerbOptions {
    SelectOptions select;  // interface "any": all of the network namespace; netns: where it is looked up
    OutcomeSet outcomes = all_outcomes;
    std::uint64_t count = 0;       // 0: no limit
    unsigned fanout = 1;           // rings; several are each read by a thread of its own
    std::uint64_t ring_bytes = 0;  // of each; 0: not said
    bool no_trace = false;         // frames without the story of their sends
    StageSet stages = chain_stages;
    std::uint32_t in_flight = default_in_flight;
    std::string btf;
    RecordOptions record;
    bool json = false;

    // Only frames of certain sends: of those only the story tells.
    bool selects_sends() const { return select.pid || !select.comm.empty() || outcomes != all_outcomes; }
};

struct TopOptions {
    SelectOptions select;
    std::uint64_t interval_ms = 1000;
    std::uint64_t iterations = 0;  // 0: no limit
    bool batch = false;
    TopSort sort = TopSort::rate;
    TracingOptions tracing;
};

struct ReportOptions {
    std::vector<std::string> files;
    bool json = false;
    bool csv = false;
    bool lines = false;
    bool tree = false;
    bool without_hooks = false;
    std::string html;  // files to write; empty: none
    std::string timeline;
    std::string folded;
    std::string flame;
};

struct DiagnoseOptions {
    std::vector<std::string> files;
    bool json = false;
};

struct DiffOptions {
    // The files of one session in their order, each.
    std::vector<std::string> a;
    std::vector<std::string> b;
    std::uint64_t tolerance = 20;  // percent
    bool json = false;
};

struct CompareMethodsOptions {
    std::string interface;
    std::uint64_t count = 10'000;  // frames by each method in each round
    unsigned rounds = 5;
    unsigned batch = default_batch;
    SizeRange size;
    bool no_trace = false;
    TracingOptions tracing;
    bool json = false;
};

// Each returns the exit status, having said on standard error what went wrong.
int doctor(const DoctorOptions& options);
int ops(const OpsOptions& options);
int sockets(const SocketsOptions& options);
int run(const RunOptions& options);
int trace(const TraceVerbOptions& options);
int capture(const CaptureVerbOptions& options);
int top(const TopOptions& options);
int report(const ReportOptions& options);
int diagnose(const DiagnoseOptions& options);
int diff(const DiffOptions& options);
int compare_methods(const CompareMethodsOptions& options);

// What the command line asks for: returns the exit status.
using Action = std::function<int()>;

// Each adds its verb; where that is what was typed, parsing leaves it in `action`. `command`, `behind`: what stands
// behind --.
void add_doctor(CLI::App& app, Action& action);
void add_ops(CLI::App& app, Action& action);
void add_sockets(CLI::App& app, Action& action);
void add_run(CLI::App& app, Action& action);
void add_trace(CLI::App& app, Action& action, const std::vector<std::string>& command);
void add_capture(CLI::App& app, Action& action);
void add_top(CLI::App& app, Action& action);
void add_report(CLI::App& app, Action& action);
void add_diagnose(CLI::App& app, Action& action);
void add_diff(CLI::App& app, Action& action, const std::vector<std::string>& behind);
void add_compare_methods(CLI::App& app, Action& action);

}  // namespace sockray
