// kernel_fields [-v] BPF_OBJECT BTF_FILE KERNEL_H: does a kernel have the fields that sockray's BPF programs
// read?
//
// BPF_OBJECT is kernel_fields.bpf.o, whose BTF holds the types of KERNEL_H (vmlinux/kernel.h). BTF_FILE is
// the kernel's BTF: /sys/kernel/btf/vmlinux, or a vmlinux with a section .BTF. The types to check are those
// that the text of KERNEL_H defines, so none can be forgotten. Each field must exist in the kernel's type of
// that name with a type that CO-RE relocates and that the programs read correctly: the same kind, integers of
// the same size and sign, arrays at least as long, structs and pointers to structs of the same name.
//
// Of the variants NAME___a, NAME___b of one type at least one must be there with all its fields; what the
// kernel has of the others must be right too, because bpf_core_field_exists() does not look at sizes.
//
// Prints what is missing, with -v all fields, and "N fields checked, N missing". Exit status: 0 none is
// missing, 1 some are, 2 wrong usage or unreadable file.
#include <bpf/btf.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "user/base/format.h"
#include "user/base/result.h"

namespace sockray {
namespace {

struct BtfFree {
    void operator()(btf* types) const { btf__free(types); }
};
using Btf = std::unique_ptr<btf, BtfFree>;

Result<Btf> read_btf(const char* path) {
    Btf types(btf__parse(path, nullptr));
    if (!types) return fail(fmt::format("cannot read BTF from {}: {}", path, errno_text(errno)));
    return types;
}

std::string_view name_at(const btf* types, std::uint32_t offset) {
    const char* name = btf__name_by_offset(types, offset);
    return name ? name : "";
}

// "pt_regs" of "pt_regs___x86": what CO-RE looks for in the kernel.
std::string_view essential(std::string_view name) {
    return name.substr(0, name.find("___"));
}

// ---- which types: the text of vmlinux/kernel.h

std::string without_comments(std::string text) {
    for (std::size_t at = 0; (at = text.find('/', at)) != std::string::npos; at++) {
        const bool line = text.compare(at, 2, "//") == 0;
        if (!line && text.compare(at, 2, "/*") != 0) continue;
        const std::size_t end = line ? text.find('\n', at) : text.find("*/", at + 2);
        text.replace(at, end == std::string::npos ? end : end - at + (line ? 0 : 2), " ");
    }
    return text;
}

// The names of the structs and unions that the text defines: NAME of `struct NAME {` and `typedef struct
// {...} NAME;`.
std::vector<std::string> defined_types(const std::string& header) {
    constexpr std::string_view letters = "_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    const std::string text = without_comments(header);
    std::vector<std::string> names;
    std::vector<bool> name_follows;   // for each open brace: whether the type's name stands behind the closing one
    std::optional<std::string> type;  // the name behind `struct` or `union`, empty while there is none
    bool behind = false;              // behind the closing brace of a type without a name
    for (std::size_t at = 0, size = 1; at < text.size(); at += size) {
        const std::string word = text.substr(at, text.find_first_not_of(letters, at) - at);
        size = std::max<std::size_t>(word.size(), 1);
        if (word == "struct" || word == "union") {
            type = "";
        } else if (!word.empty()) {
            if (behind) names.push_back(word);
            behind = false;
            if (type && type->empty()) type = word;
        } else if (text[at] == '{') {
            if (type && !type->empty()) names.push_back(*type);
            name_follows.push_back(type && type->empty() && name_follows.empty());
            type.reset();
        } else if (text[at] == '}' && !name_follows.empty()) {
            behind = name_follows.back();
            name_follows.pop_back();
        } else if (text[at] == ';') {
            type.reset();
            behind = false;
        }
    }
    return names;
}

// ---- finding

const btf_type* skip_modifiers(const btf* types, std::uint32_t id) {
    const btf_type* type = btf__type_by_id(types, id);
    while (type && (btf_is_mod(type) || btf_is_typedef(type))) type = btf__type_by_id(types, type->type);
    return type;
}

using Composites = std::map<std::string, std::vector<const btf_type*>, std::less<>>;

// The structs and unions of these names; typedefs count. One name may stand for several types.
Composites index_composites(const btf* types, const std::vector<std::string>& names) {
    Composites found;
    for (const std::string& name : names) found[name];
    for (std::uint32_t id = 1; id < btf__type_cnt(types); id++) {
        const btf_type* type = btf__type_by_id(types, id);
        if (!btf_is_composite(type) && !btf_is_typedef(type)) continue;
        const auto entry = found.find(name_at(types, type->name_off));
        if (entry == found.end()) continue;
        const btf_type* target = skip_modifiers(types, id);
        if (target && btf_is_composite(target)) entry->second.push_back(target);
    }
    return found;
}

struct Member {
    std::uint32_t type;
    bool bitfield;
};

// Looks into unnamed members too, as C does.
std::optional<Member> find_member(const btf* types, const btf_type* composite, std::string_view name) {
    for (std::uint16_t i = 0; i < btf_vlen(composite); i++) {
        const btf_member& member = btf_members(composite)[i];
        const std::string_view own = name_at(types, member.name_off);
        if (own == name) return Member{member.type, btf_member_bitfield_size(composite, i) != 0};
        const btf_type* inner = own.empty() ? skip_modifiers(types, member.type) : nullptr;
        if (!inner || !btf_is_composite(inner)) continue;
        if (const std::optional<Member> found = find_member(types, inner, name)) return found;
    }
    return std::nullopt;
}

// ---- comparing

std::string_view kind_name(const btf_type* type) {
    static constexpr std::string_view names[] = {
        "void",    "integer", "pointer",  "array", "struct",   "union",    "enum",
        "forward", "typedef", "volatile", "const", "restrict", "function", "function prototype"};
    return type && btf_kind(type) < std::size(names) ? names[btf_kind(type)] : "other type";
}

bool is_composite_or_forward(const btf_type* type) {
    return type && (btf_is_composite(type) || btf_is_fwd(type));
}

// Why the programs could not read the kernel's type as ours, or nothing. `bits`: ours is a bit field, for
// which BPF_CORE_READ_BITFIELD takes any integer.
std::string difference(const btf* ours, std::uint32_t our_id, const btf* theirs, std::uint32_t their_id, bool bits) {
    const btf_type* a = skip_modifiers(ours, our_id);
    const btf_type* b = skip_modifiers(theirs, their_id);
    if (!a || !b || btf_kind(a) != btf_kind(b)) return fmt::format("is {}, not {}", kind_name(b), kind_name(a));
    if (btf_is_int(a)) {
        // Plain char has no sign of its own: unsigned on arm64, and everywhere since 6.2 (3bc753c06dd0).
        const bool any_sign = bits || name_at(ours, a->name_off) == "char";
        if (!bits && a->size != b->size) return fmt::format("has {} bytes, not {}", b->size, a->size);
        if (!any_sign && (btf_int_encoding(a) ^ btf_int_encoding(b)) & BTF_INT_SIGNED) return "has another sign";
    } else if (btf_is_array(a)) {
        if (btf_array(b)->nelems < btf_array(a)->nelems)
            return fmt::format("has {} elements, not {}", btf_array(b)->nelems, btf_array(a)->nelems);
        return difference(ours, btf_array(a)->type, theirs, btf_array(b)->type, false);
    } else if (btf_is_ptr(a)) {
        const btf_type* to_a = skip_modifiers(ours, a->type);
        const btf_type* to_b = skip_modifiers(theirs, b->type);
        if (is_composite_or_forward(to_a) && is_composite_or_forward(to_b)) a = to_a, b = to_b;
    }
    if (is_composite_or_forward(a)) {
        const std::string_view name_a = essential(name_at(ours, a->name_off));
        const std::string_view name_b = name_at(theirs, b->name_off);
        if (!name_a.empty() && !name_b.empty() && name_a != name_b) return fmt::format("is {}, not {}", name_b, name_a);
    }
    return {};
}

struct FieldCheck {
    std::string field;  // "struct.field"
    std::string wrong;  // why the programs cannot read it, or nothing
    bool absent;        // bpf_core_field_exists() says no, so that they do not try
};

// Each field of `type` against the kernel's types of its name: one of them must have it.
std::vector<FieldCheck> check_type(const btf* ours, const btf_type* type, const std::string& name, const btf* theirs,
                                   const std::vector<const btf_type*>& kernel_types) {
    std::vector<FieldCheck> checks;
    for (std::uint16_t i = 0; i < btf_vlen(type); i++) {
        const btf_member& member = btf_members(type)[i];
        const std::string_view field = name_at(ours, member.name_off);
        const bool bits = btf_member_bitfield_size(type, i) != 0;
        FieldCheck check{fmt::format("{}.{}", name, field), "the kernel has no such field", true};
        if (kernel_types.empty()) check.wrong = "the kernel has no such type";
        for (const btf_type* candidate : kernel_types) {
            const std::optional<Member> found = find_member(theirs, candidate, field);
            if (!found) continue;
            check.wrong = difference(ours, member.type, theirs, found->type, bits);
            if (check.wrong.empty() && found->bitfield && !bits) check.wrong = "is a bit field";
            // The kind is what libbpf compares (relo_core.c, bpf_core_fields_are_compat), not the size.
            check.absent =
                kind_name(skip_modifiers(ours, member.type)) != kind_name(skip_modifiers(theirs, found->type));
            if (check.wrong.empty()) break;
        }
        checks.push_back(std::move(check));
    }
    return checks;
}

// ---- the run

struct Tally {
    std::size_t checked = 0;
    std::size_t missing = 0;
};

void report(const std::vector<FieldCheck>& checks, bool verbose, Tally& tally) {
    for (const FieldCheck& check : checks) {
        tally.checked++;
        if (!check.wrong.empty()) {
            tally.missing++;
            fmt::print("MISS {}: {}\n", check.field, check.wrong);
        } else if (verbose) {
            fmt::print("ok   {}\n", check.field);
        }
    }
}

// The variants of one type: an absent field counts only when no variant is there as a whole.
void report_variants(std::vector<std::vector<FieldCheck>> family, bool verbose, Tally& tally) {
    const auto holds = [](const std::vector<FieldCheck>& checks) {
        return std::ranges::all_of(checks, [](const FieldCheck& check) { return check.wrong.empty(); });
    };
    const bool any_holds = std::ranges::any_of(family, holds);
    for (std::vector<FieldCheck>& checks : family) {
        if (any_holds) tally.checked += std::erase_if(checks, [](const FieldCheck& check) { return check.absent; });
        report(checks, verbose, tally);
    }
}

Result<Tally> run(const char* object_path, const char* kernel_path, const char* header_path, bool verbose) {
    std::ifstream file(header_path);
    const std::string header{std::istreambuf_iterator<char>(file), {}};
    const std::vector<std::string> names = defined_types(header);
    if (names.empty()) return fail(fmt::format("cannot read {}, or it defines no type", header_path));
    const Result<Btf> object = read_btf(object_path);
    if (!object) return tl::unexpected(object.error());
    const Result<Btf> kernel = read_btf(kernel_path);
    if (!kernel) return tl::unexpected(kernel.error());

    std::vector<std::string> kernel_names;
    kernel_names.reserve(names.size());
    for (const std::string& name : names) kernel_names.emplace_back(essential(name));
    const Composites ours = index_composites(object->get(), names);
    const Composites theirs = index_composites(kernel->get(), kernel_names);

    std::map<std::string, std::vector<std::vector<FieldCheck>>, std::less<>> variants;  // by the kernel's name
    Tally tally;
    for (const std::string& name : names) {
        const std::vector<const btf_type*>& own = ours.at(name);
        if (own.empty()) {
            fmt::print("MISS {}: not checked, add it to tests/vm/kernel_fields.bpf.c\n", name);
            tally.missing++;
            continue;
        }
        const std::string base(essential(name));
        std::vector<FieldCheck> checks = check_type(object->get(), own.front(), name, kernel->get(), theirs.at(base));
        if (base == name)
            report(checks, verbose, tally);
        else
            variants[base].push_back(std::move(checks));
    }
    for (const auto& [base, family] : variants) report_variants(family, verbose, tally);
    return tally;
}

}  // namespace
}  // namespace sockray

int main(int argc, char** argv) {
    const bool verbose = argc == 5 && std::string_view(argv[1]) == "-v";
    if (argc != 4 && !verbose) {
        fmt::print(stderr, "usage: kernel_fields [-v] BPF_OBJECT BTF_FILE KERNEL_H\n");
        return 2;
    }
    char** paths = argv + (verbose ? 2 : 1);
    const auto tally = sockray::run(paths[0], paths[1], paths[2], verbose);
    if (!tally) {
        fmt::print(stderr, "kernel_fields: {}\n", tally.error().what);
        return 2;
    }
    fmt::print("{} fields checked, {} missing\n", tally->checked, tally->missing);
    return tally->missing == 0 ? 0 : 1;
}
