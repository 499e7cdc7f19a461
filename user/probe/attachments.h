// Everything that is attached to the kernel, by stage; gone with the object.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "user/probe/live_kernel.h"
#include "user/probe/plan.h"

struct bpf_link;
struct bpf_object;
struct bpf_program;

namespace sockray {

// Where the running kernel keeps a link's count of skipped hits, as offsets in bpf_link_info; none: it does not count
// them (before 6.7).
struct SkipCounts {
    std::optional<std::uint64_t> kprobe;
    std::optional<std::uint64_t> kprobe_multi;

    explicit SkipCounts(const KernelTypes& types);
    // A trampoline skips nothing but by recursion, which its program counts on every kernel.
    bool counted(Backend backend) const {
        return backend == Backend::fentry || (backend == Backend::kprobe ? kprobe : kprobe_multi).has_value();
    }
};

// Somebody has asked to end while everything was being attached.
tl::unexpected<Error> interrupted();

// Hits that the kernel says it skipped at one attachment.
struct SkippedHits {
    std::vector<Stage> stages;     // whose it is; none: no stage's
    int program = -1;              // its descriptor: several attachments may have one program,
    std::uint64_t by_link = 0;     // counted by its own link
    std::uint64_t by_program = 0;  // which counts them together
};

// What `now` has more than `before`, of the same attachments in the same order.
std::vector<SkippedHits> skipped_since(std::span<const SkippedHits> before, std::span<const SkippedHits> now);

// By stage, those that have any. Stage::none: those of no stage, and those of programs that serve several.
std::vector<StageHits> skipped_by_stage(std::span<const SkippedHits> all);

class Attachments {
  public:
    Attachments() = default;
    ~Attachments() { clear(); }
    Attachments(const Attachments&) = delete;
    Attachments& operator=(const Attachments&) = delete;

    // Attaches the hooks in their order; those for kprobe.multi share one link for the entries and one for the returns.
    // Returns what the kernel refused, and then some of the others are not attached either. Errors: not_allowed; failed
    // where `stop_fd` became readable in between (a hook takes the kernel up to 100 ms).
    Result<std::vector<Refusal>> attach(const bpf_object* object, std::span<const Hook> hooks, const LiveKernel& kernel,
                                        int stop_fd);

    // What is none of the plan's hooks: tracepoints (no `backend`), or kprobes. Takes the link; the program stays the
    // object's. Stage::none: of no stage.
    void add(bpf_link* link, const bpf_program* program, Stage stage, std::optional<Backend> backend = {});

    // Detaches a stage that shares its links with no other.
    void drop(Stage stage);

    // Detaches everything. The kernel waits for running hooks link by link (100 ms for each function with fentry:
    // kernel/trace/ftrace.c, ftrace_shutdown waits for synchronize_rcu_tasks), so several threads do it side by side.
    void clear();

    // Begins to detach everything, and returns; clear() waits for the end of it. Nothing but gone_by() may be called in
    // between.
    void begin_clear();

    // After begin_clear(): waits for the end of it, no longer than that. Whether it came.
    bool gone_by(std::chrono::steady_clock::time_point when) const;

    // Hits that the kernel skipped since each was attached. None: the kernel does not let them be read.
    std::optional<std::vector<SkippedHits>> skipped(const SkipCounts& counts) const;

  private:
    struct DestroyLink {
        void operator()(bpf_link* link) const;
    };
    using Link = std::unique_ptr<bpf_link, DestroyLink>;
    struct One {
        Link link;
        std::vector<Stage> stages;       // none: no stage's
        std::optional<Backend> backend;  // none: a tracepoint, whose link counts nothing
        int program = -1;                // its descriptor; the object's
    };

    Result<std::vector<Refusal>> attach_multi(const bpf_object* object, std::span<const Hook> hooks, bool on_return,
                                              const LiveKernel& kernel);

    void detach();

    std::vector<One> all_;
    std::atomic<std::size_t> next_{0};  // of those that are being detached
    std::vector<std::future<void>> detaching_;
};

}  // namespace sockray
