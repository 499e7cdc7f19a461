#include "user/probe/attachments.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <system_error>

#include "user/base/fd.h"
#include "user/base/format.h"
#include "user/probe/load_error.h"
#include "user/probe/trial.h"

namespace sockray {
namespace {

// A member of bpf_link_info by its offset in the running kernel: linux/bpf.h of Debian 12 does not have them yet.
std::optional<std::uint64_t> number_of_link(const bpf_link* link, std::uint64_t at) {
    alignas(8) std::array<std::byte, 256> info{};
    auto length = static_cast<std::uint32_t>(info.size());
    std::uint64_t number = 0;
    if (at > info.size() - sizeof number) return std::nullopt;
    if (bpf_obj_get_info_by_fd(bpf_link__fd(link), info.data(), &length) != 0) return std::nullopt;
    std::memcpy(&number, info.data() + at, sizeof number);
    return number;
}

// Runs of a program that the kernel skipped because one was running on that CPU already.
std::optional<std::uint64_t> recursion_misses(int program) {
    bpf_prog_info info{};
    auto length = static_cast<std::uint32_t>(sizeof info);
    if (bpf_obj_get_info_by_fd(program, &info, &length) != 0) return std::nullopt;
    return info.recursion_misses;
}

void count(std::vector<StageHits>& all, Stage stage, std::uint64_t hits) {
    if (!hits) return;
    const auto found = std::ranges::find(all, stage, &StageHits::stage);
    if (found != all.end())
        found->hits += hits;
    else
        all.push_back({stage, hits});
}

bpf_link* attach_kprobe(const bpf_program* program, const Hook& hook) {
    LIBBPF_OPTS(bpf_kprobe_opts, options);
    options.offset = hook.offset;
    options.retprobe = hook.on_return;
    options.bpf_cookie = static_cast<std::uint64_t>(hook.stage);
    return bpf_program__attach_kprobe_opts(program, hook.function.c_str(), &options);
}

std::string described(const Hook& hook) {
    const std::string words = hook_words(hook.backend, true);
    const std::size_t plus = words.find('+');
    return fmt::format("attach {} to {}+{}", hook.on_return ? words.substr(plus + 1) : words.substr(0, plus),
                       hook.function, hook.offset);
}

}  // namespace

SkipCounts::SkipCounts(const KernelTypes& types)
    : kprobe(types.offset("bpf_link_info", {"perf_event", "kprobe", "missed"})),
      kprobe_multi(types.offset("bpf_link_info", {"kprobe_multi", "missed"})) {}

void Attachments::DestroyLink::operator()(bpf_link* link) const {
    bpf_link__destroy(link);
}

void Attachments::add(bpf_link* link, const bpf_program* program, Stage stage, std::optional<Backend> backend) {
    std::vector<Stage> stages;
    if (stage != Stage::none) stages.push_back(stage);
    all_.push_back({Link(link), std::move(stages), backend, bpf_program__fd(program)});
}

Result<std::vector<Refusal>> Attachments::attach_multi(const bpf_object* object, std::span<const Hook> hooks,
                                                       bool on_return, const LiveKernel& kernel) {
    std::vector<unsigned long> addresses;
    std::vector<__u64> cookies;
    std::vector<Stage> stages;
    const Hook* first = nullptr;
    for (const Hook& hook : hooks) {
        if (hook.backend != Backend::kprobe_multi || hook.on_return != on_return) continue;
        addresses.push_back(kernel.symbols->address(hook.function).value_or(0));
        cookies.push_back(static_cast<std::uint64_t>(hook.stage));
        stages.push_back(hook.stage);
        if (!first) first = &hook;
    }
    if (!first) return {};
    const LibbpfLog log;
    const bpf_program* program = bpf_object__find_program_by_name(object, first->program.c_str());
    LIBBPF_OPTS(bpf_kprobe_multi_opts, options);
    options.addrs = addresses.data();
    options.cookies = cookies.data();
    options.cnt = addresses.size();
    options.retprobe = on_return;
    Link link(bpf_program__attach_kprobe_multi_opts(program, nullptr, &options));
    if (link) {
        all_.push_back({std::move(link), std::move(stages), Backend::kprobe_multi, bpf_program__fd(program)});
        return {};
    }
    const int err = errno;
    if (err == EPERM || err == EACCES) return tl::unexpected(load_error(described(*first), err, log));
    // The link fails as a whole: which functions are to blame? Where none is alone, all are refused.
    std::vector<Refusal> refusals;
    for (const Hook& hook : hooks) {
        if (hook.backend != Backend::kprobe_multi || hook.on_return != on_return) continue;
        const std::string reason = try_hook(kernel, Backend::kprobe_multi, hook.function, 0);
        if (!reason.empty()) refusals.push_back({hook.stage, Backend::kprobe_multi, reason});
    }
    if (refusals.empty())
        for (const Stage stage : stages)
            refusals.push_back({stage, Backend::kprobe_multi, attach_refusal(Backend::kprobe_multi, err)});
    return refusals;
}

tl::unexpected<Error> interrupted() {
    return fail("interrupted before tracing had begun");
}

Result<std::vector<Refusal>> Attachments::attach(const bpf_object* object, std::span<const Hook> hooks,
                                                 const LiveKernel& kernel, int stop_fd) {
    std::vector<Refusal> refusals;
    for (const bool on_return : {false, true}) {
        auto multi = attach_multi(object, hooks, on_return, kernel);
        if (!multi) return multi;
        std::ranges::move(*multi, std::back_inserter(refusals));
        for (const Hook& hook : hooks) {
            if (hook.backend == Backend::kprobe_multi || hook.on_return != on_return) continue;
            if (is_readable(stop_fd)) return interrupted();
            const LibbpfLog log;
            const bpf_program* program = bpf_object__find_program_by_name(object, hook.program.c_str());
            Link link(hook.backend == Backend::fentry ? bpf_program__attach_trace(program)
                                                      : attach_kprobe(program, hook));
            if (link) {
                all_.push_back({std::move(link), {hook.stage}, hook.backend, bpf_program__fd(program)});
                continue;
            }
            const int err = errno;
            if (err == EPERM || err == EACCES) return tl::unexpected(load_error(described(hook), err, log));
            refusals.push_back({hook.stage, hook.backend, attach_refusal(hook.backend, err)});
        }
        if (!refusals.empty()) break;  // what is refused at the entry needs no return
    }
    return refusals;
}

void Attachments::drop(Stage stage) {
    std::erase_if(all_, [stage](const One& one) { return one.stages.size() == 1 && one.stages.front() == stage; });
}

void Attachments::detach() {
    for (std::size_t i = next_++; i < all_.size(); i = next_++) all_[i].link.reset();
}

void Attachments::begin_clear() {
    constexpr std::size_t most_threads = 8;
    try {
        while (detaching_.size() < std::min(most_threads, all_.size()))
            detaching_.push_back(std::async(std::launch::async, &Attachments::detach, this));
    } catch (const std::system_error&) {
        // no more threads: those that there are do it, and clear()
    }
}

bool Attachments::gone_by(std::chrono::steady_clock::time_point when) const {
    return std::ranges::all_of(detaching_, [when](const std::future<void>& thread) {
        return thread.wait_until(when) == std::future_status::ready;
    });
}

void Attachments::clear() {
    begin_clear();
    detach();
    for (const std::future<void>& thread : detaching_) thread.wait();
    detaching_.clear();
    all_.clear();
    next_ = 0;
}

std::vector<SkippedHits> skipped_since(std::span<const SkippedHits> before, std::span<const SkippedHits> now) {
    std::vector<SkippedHits> grown(now.begin(), now.end());
    for (std::size_t i = 0; i < std::min(before.size(), grown.size()); i++) {
        grown[i].by_link -= before[i].by_link;
        grown[i].by_program -= before[i].by_program;
    }
    return grown;
}

std::vector<StageHits> skipped_by_stage(std::span<const SkippedHits> all) {
    std::vector<StageHits> hits;
    const auto whose = [](const auto& stages) { return stages.size() == 1 ? stages.front() : Stage::none; };
    std::vector<int> seen;
    for (const SkippedHits& one : all) {
        count(hits, whose(one.stages), one.by_link);
        if (std::ranges::find(seen, one.program) != seen.end()) continue;
        seen.push_back(one.program);
        std::vector<Stage> served;
        for (const SkippedHits& other : all)
            if (other.program == one.program)
                for (const Stage stage : other.stages)
                    if (std::ranges::find(served, stage) == served.end()) served.push_back(stage);
        count(hits, whose(served), one.by_program);
    }
    return hits;
}

std::optional<std::vector<SkippedHits>> Attachments::skipped(const SkipCounts& counts) const {
    std::vector<SkippedHits> all;
    for (const One& one : all_) {
        std::optional<std::uint64_t> by_link = 0;
        if (one.backend == Backend::kprobe && counts.kprobe) by_link = number_of_link(one.link.get(), *counts.kprobe);
        if (one.backend == Backend::kprobe_multi && counts.kprobe_multi)
            by_link = number_of_link(one.link.get(), *counts.kprobe_multi);
        const std::optional<std::uint64_t> by_program = recursion_misses(one.program);
        if (!by_link || !by_program) return std::nullopt;
        all.push_back({one.stages, one.program, *by_link, *by_program});
    }
    return all;
}

}  // namespace sockray
