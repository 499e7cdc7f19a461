#include "tests/bench/programs.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <linux/bpf.h>

#include <algorithm>
#include <array>
#include <memory>

#include "user/base/fd.h"

namespace sockray::bench {
namespace {

constexpr std::uint32_t instruction_bytes = 8;

struct FreeBtf {
    void operator()(btf* types) const { btf__free(types); }
};

// The kernel keeps 15 bytes of a name; all of it stands in the BTF that was loaded with the program.
std::string whole_name(int program, const bpf_prog_info& known) {
    bpf_func_info first{};
    bpf_prog_info info{};
    info.nr_func_info = 1;
    info.func_info_rec_size = sizeof first;
    info.func_info = reinterpret_cast<std::uintptr_t>(&first);
    auto length = static_cast<std::uint32_t>(sizeof info);
    if (!known.btf_id || bpf_obj_get_info_by_fd(program, &info, &length) != 0) return known.name;
    const std::unique_ptr<btf, FreeBtf> types(btf__load_from_kernel_by_id(known.btf_id));
    const btf_type* function = types ? btf__type_by_id(types.get(), first.type_id) : nullptr;
    return function ? btf__name_by_offset(types.get(), function->name_off) : known.name;
}

}  // namespace

std::vector<LoadedProgram> loaded_programs(std::uint32_t after) {
    std::vector<LoadedProgram> programs;
    for (std::uint32_t id = after; bpf_prog_get_next_id(id, &id) == 0;) {
        const Fd program(bpf_prog_get_fd_by_id(id));
        bpf_prog_info info{};
        auto length = static_cast<std::uint32_t>(sizeof info);
        if (!program || bpf_obj_get_info_by_fd(program.get(), &info, &length) != 0) continue;
        LoadedProgram one;
        one.id = id;
        one.name = whole_name(program.get(), info);
        one.verified = info.verified_insns;
        one.instructions = info.xlated_prog_len / instruction_bytes;
        one.machine_bytes = info.jited_prog_len;
        one.runs = info.run_cnt;
        one.run_ns = info.run_time_ns;
        programs.push_back(std::move(one));
    }
    return programs;
}

std::vector<std::string> raw_tracepoints() {
    std::vector<std::string> names;
    for (std::uint32_t id = 0; bpf_link_get_next_id(id, &id) == 0;) {
        const Fd link(bpf_link_get_fd_by_id(id));
        // First the kind: another one would take the room for the name for that of something longer.
        bpf_link_info info{};
        auto length = static_cast<std::uint32_t>(sizeof info);
        if (!link || bpf_obj_get_info_by_fd(link.get(), &info, &length) != 0) continue;
        if (info.type != BPF_LINK_TYPE_RAW_TRACEPOINT) continue;
        std::array<char, 128> name{};
        info = {};
        info.raw_tracepoint.tp_name = reinterpret_cast<std::uintptr_t>(name.data());
        info.raw_tracepoint.tp_name_len = name.size();
        if (bpf_obj_get_info_by_fd(link.get(), &info, &length) != 0) continue;
        names.emplace_back(name.data());
    }
    std::ranges::sort(names);
    names.erase(std::ranges::unique(names).begin(), names.end());
    return names;
}

}  // namespace sockray::bench
