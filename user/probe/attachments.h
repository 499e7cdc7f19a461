// Everything that is attached to the kernel, by stage; gone with the object.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <thread>
#include <vector>

#include "user/probe/live_kernel.h"
#include "user/probe/plan.h"

struct bpf_link;
struct bpf_object;

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

    // What is no stage's: tracepoints. Takes the link.
    void add(bpf_link* link);

    // Detaches a stage that shares its links with no other.
    void drop(Stage stage);

    // Detaches everything. The kernel waits for running hooks link by link (100 ms for each function with fentry:
    // kernel/trace/ftrace.c, ftrace_shutdown waits for synchronize_rcu_tasks), so several threads do it side by side.
    void clear();

    // Begins to detach everything, and returns; clear() waits for the end of it. Nothing else may be called in between.
    void begin_clear();

    // Hits that the kernel skipped so far, for stages that have any. Under Stage::none: those of programs that serve
    // several stages, which the kernel counts together.
    std::vector<StageHits> skipped(const SkipCounts& counts) const;

  private:
    struct DestroyLink {
        void operator()(bpf_link* link) const;
    };
    using Link = std::unique_ptr<bpf_link, DestroyLink>;
    struct One {
        Link link;
        std::vector<Stage> stages;  // none: a tracepoint
        Backend backend = Backend::kprobe;
        int program = -1;  // its descriptor; the object's
    };

    Result<std::vector<Refusal>> attach_multi(const bpf_object* object, std::span<const Hook> hooks, bool on_return,
                                              const LiveKernel& kernel);

    void detach();

    std::vector<One> all_;
    std::atomic<std::size_t> next_{0};  // of those that are being detached
    std::vector<std::thread> detaching_;
};

}  // namespace sockray
