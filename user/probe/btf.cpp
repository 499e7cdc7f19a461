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

bool is_composite_or_enum(std::uint32_t kind) {
    return kind == BTF_KIND_STRUCT || kind == BTF_KIND_UNION || kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64;
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

KernelTypes::KernelTypes(KernelTypes&&) noexcept = default;
KernelTypes& KernelTypes::operator=(KernelTypes&&) noexcept = default;
KernelTypes::~KernelTypes() = default;

// libbpf compares the name of each type, anew for each that is asked for: a start asks for some fifty of 60,000.
KernelTypes::KernelTypes(btf* types, bool of_file) : btf_(types), of_file_(of_file) {
    for (std::uint32_t id = 1; id < btf__type_cnt(types); id++) {
        const btf_type* type = btf__type_by_id(types, id);
        const std::uint32_t kind = btf_kind(type);
        if (is_composite_or_enum(kind) || kind == BTF_KIND_FUNC)
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
    ::malloc_trim(0);  // with what libbpf has freed by now
}

Result<KernelTypes> KernelTypes::read(const std::string& file) {
    const LibbpfLog quiet;
    if (!file.empty()) {
        const auto bytes = read_btf_file(file);
        if (!bytes) return tl::unexpected(bytes.error());
        btf* types = btf__new(bytes->data(), static_cast<__u32>(bytes->size()));
        if (!types)
            return fail(fmt::format("libbpf takes no BTF from '{}': {}", printable(file), libbpf_text(errno)),
                        "give the BTF of the running kernel, or its vmlinux with a section .BTF");
        return KernelTypes(types, true);
    }
    btf* types = btf__load_vmlinux_btf();
    if (!types)
        return not_allowed(fmt::format("this kernel's type information (/sys/kernel/btf/vmlinux) cannot be read: {}",
                                       errno_text(errno)),
                           "boot a kernel built with CONFIG_DEBUG_INFO_BTF=y, as Debian's are");
    return KernelTypes(types, false);
}

std::vector<std::uint8_t> KernelTypes::named_by(const btf* object) const {
    std::unordered_set<std::string_view> names;
    std::unordered_set<std::uint32_t> hashes;
    for (std::uint32_t id = 1; id < btf__type_cnt(object); id++) {
        const btf_type* type = btf__type_by_id(object, id);
        const std::string_view name = name_at(object, type->name_off);
        if (!is_composite_or_enum(btf_kind(type)) || name.empty()) continue;
        names.insert(name.substr(0, name.find("___")));
        hashes.insert(name_hash(name.substr(0, name.find("___"))));
    }
    BtfExcerpt excerpt(btf_.get());
    for (const Named& one : named_)
        if (one.kind != BTF_KIND_FUNC && hashes.contains(one.hash) &&
            names.contains(name_at(btf_.get(), btf__type_by_id(btf_.get(), one.id)->name_off)))
            excerpt.take(one.id);
    return excerpt.bytes();
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

std::optional<std::uint32_t> KernelTypes::structure(const std::string& type) const {
    return find(type, BTF_KIND_STRUCT);
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
