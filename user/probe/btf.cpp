#include "user/probe/btf.h"

#include <bpf/btf.h>
#include <malloc.h>

#include <cerrno>
#include <string_view>
#include <unordered_set>

#include "user/base/format.h"
#include "user/base/terminal.h"
#include "user/probe/btf_file.h"
#include "user/probe/load_error.h"
#include "user/probe/name_hash.h"

namespace sockray {
namespace {

constexpr std::size_t most_nested = 64;  // unnamed structs inside each other; a file may say anything

std::string_view name_at(const btf* types, std::uint32_t offset) {
    const char* name = btf__name_by_offset(types, offset);
    return name ? name : "";
}

struct FoundMember {
    std::uint32_t type;
    std::uint64_t bits;  // its offset
};

// The member `name` of a struct or union, looked for in its unnamed members too: in each type once, since a file may
// let many members lead to the same types, again and again. `looked_at`: where it is not.
std::optional<FoundMember> find_member(const btf* types, std::uint32_t id, std::string_view name,
                                       std::unordered_set<int>& looked_at, std::size_t depth = 0) {
    const int resolved = btf__resolve_type(types, id);
    const btf_type* type = resolved < 0 ? nullptr : btf__type_by_id(types, static_cast<std::uint32_t>(resolved));
    if (!type || !btf_is_composite(type) || depth > most_nested) return std::nullopt;
    if (!looked_at.insert(resolved).second) return std::nullopt;
    const btf_member* members = btf_members(type);
    for (std::uint32_t i = 0; i < btf_vlen(type); i++) {
        const std::string_view member = name_at(types, members[i].name_off);
        const std::uint64_t at = btf_member_bit_offset(type, i);
        if (member == name) return FoundMember{members[i].type, at};
        if (!member.empty()) continue;
        if (const auto inner = find_member(types, members[i].type, name, looked_at, depth + 1))
            return FoundMember{inner->type, at + inner->bits};
    }
    return std::nullopt;
}

}  // namespace

void KernelTypes::Free::operator()(btf* types) const {
    btf__free(types);
}
KernelTypes::KernelTypes(KernelTypes&&) noexcept = default;
KernelTypes& KernelTypes::operator=(KernelTypes&&) noexcept = default;
KernelTypes::~KernelTypes() = default;

// libbpf compares the name of each type, anew for each that is asked for: a start asks for some fifty of 60,000.
KernelTypes::KernelTypes(btf* types, Fd memory) : btf_(types), memory_(std::move(memory)) {
    for (std::uint32_t id = 1; id < btf__type_cnt(types); id++) {
        const btf_type* type = btf__type_by_id(types, id);
        const std::uint32_t kind = btf_kind(type);
        if (kind == BTF_KIND_STRUCT || kind == BTF_KIND_ENUM || kind == BTF_KIND_FUNC)
            named_.push_back({name_hash(name_at(types, type->name_off)), kind, id});
    }
}

std::optional<std::uint32_t> KernelTypes::find(std::string_view name, std::uint32_t kind) const {
    const std::uint32_t hash = name_hash(name);
    for (const Named& one : named_)
        if (one.hash == hash && one.kind == kind &&
            name_at(btf_.get(), btf__type_by_id(btf_.get(), one.id)->name_off) == name)
            return one.id;
    return std::nullopt;
}

void KernelTypes::forget() {
    btf_.reset();
    named_ = {};
    memory_ = {};
    ::malloc_trim(0);  // with what libbpf has freed by now
}

Result<KernelTypes> KernelTypes::read(const std::string& file) {
    const LibbpfLog quiet;
    if (!file.empty()) {
        const auto bytes = read_btf_file(file);
        if (!bytes) return tl::unexpected(bytes.error());
        auto memory = btf_in_memory(*bytes);
        if (!memory) return tl::unexpected(memory.error());
        btf* types = btf__new(bytes->data(), static_cast<__u32>(bytes->size()));
        if (!types)
            return fail(fmt::format("libbpf takes no BTF from '{}': {}", printable(file), libbpf_text(errno)),
                        "give the BTF of the running kernel, or its vmlinux with a section .BTF");
        return KernelTypes(types, std::move(*memory));
    }
    btf* types = btf__load_vmlinux_btf();
    if (!types)
        return not_allowed(fmt::format("this kernel's type information (/sys/kernel/btf/vmlinux) cannot be read: {}",
                                       errno_text(errno)),
                           "boot a kernel built with CONFIG_DEBUG_INFO_BTF=y, as Debian's are");
    return KernelTypes(types);
}

std::string KernelTypes::path() const {
    return memory_ ? fmt::format("/proc/self/fd/{}", memory_.get()) : "";
}

std::optional<std::uint64_t> KernelTypes::offset(const std::string& type, const std::vector<std::string>& path) const {
    const auto id = find(type, BTF_KIND_STRUCT);
    if (!id) return std::nullopt;
    std::uint32_t current = *id;
    std::uint64_t bits = 0;
    for (const std::string& name : path) {
        std::unordered_set<int> looked_at;
        const auto member = find_member(btf_.get(), current, name, looked_at);
        if (!member) return std::nullopt;
        current = member->type;
        bits += member->bits;
    }
    return bits / 8;
}

std::optional<std::uint64_t> KernelTypes::size(const std::string& type) const {
    const auto id = find(type, BTF_KIND_STRUCT);
    if (!id) return std::nullopt;
    return btf__type_by_id(btf_.get(), *id)->size;
}

std::optional<std::uint32_t> KernelTypes::function(const std::string& name) const {
    return find(name, BTF_KIND_FUNC);
}

std::vector<KernelTypes::Handler> KernelTypes::handlers(const std::string& type) const {
    std::vector<Handler> found;
    const auto id = find(type, BTF_KIND_STRUCT);
    if (!id) return found;
    const btf_type* composite = btf__type_by_id(btf_.get(), *id);
    const btf_member* members = btf_members(composite);
    for (std::uint32_t i = 0; i < btf_vlen(composite); i++) {
        const btf_type* member =
            btf__type_by_id(btf_.get(), static_cast<std::uint32_t>(btf__resolve_type(btf_.get(), members[i].type)));
        if (!member || !btf_is_ptr(member)) continue;
        const btf_type* pointee =
            btf__type_by_id(btf_.get(), static_cast<std::uint32_t>(btf__resolve_type(btf_.get(), member->type)));
        if (pointee && btf_is_func_proto(pointee))
            found.push_back(
                {std::string(name_at(btf_.get(), members[i].name_off)), btf_member_bit_offset(composite, i) / 8});
    }
    return found;
}

std::vector<KernelTypes::Enumerator> KernelTypes::enumerators(const std::string& type) const {
    std::vector<Enumerator> found;
    const auto id = find(type, BTF_KIND_ENUM);
    if (!id) return found;
    const btf_type* type_of_enum = btf__type_by_id(btf_.get(), *id);
    const struct btf_enum* values = btf_enum(type_of_enum);
    for (std::uint32_t i = 0; i < btf_vlen(type_of_enum); i++)
        found.push_back({std::string(name_at(btf_.get(), values[i].name_off)), values[i].val});
    return found;
}

}  // namespace sockray
