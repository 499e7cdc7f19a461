// Questions to the running kernel's type information (BTF).
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "user/base/result.h"
#include "user/probe/btf_excerpt.h"

struct btf;

namespace sockray {

class KernelTypes {
  public:
    // A member of a struct that is a pointer to a function.
    struct Handler {
        std::string name;
        std::uint64_t offset;  // bytes from the struct's start
    };

    // Of `file` (user/probe/btf_file.h): BTF, or an ELF file with a section .BTF, such as a vmlinux. "" is
    // /sys/kernel/btf/vmlinux: without that, not_allowed.
    static Result<KernelTypes> read(const std::string& file = "");

    KernelTypes(KernelTypes&&) noexcept;
    KernelTypes& operator=(KernelTypes&&) noexcept;
    KernelTypes(const KernelTypes&) = delete;
    KernelTypes& operator=(const KernelTypes&) = delete;
    ~KernelTypes();

    // Gives the memory back, some MiB: nothing is found from now on. For who has asked all that there is to ask.
    void forget();

    // Not the kernel's own: their numbers may be others.
    bool are_of_file() const { return of_file_; }

    // Of these types those that `object` names, up to a "___" in their names, as BTF: libbpf goes through all that it
    // is given for each name, and the kernel has a hundred thousand. Empty where memory ran out.
    std::vector<std::uint8_t> named_by(const btf* object) const;

    // Offset in bytes of a member, through nested structs: {"tx_ring", "pg_vec"}.
    std::optional<std::uint64_t> offset(const std::string& type, const std::vector<std::string>& path) const;

    // sizeof(struct type).
    std::optional<std::uint64_t> size(const std::string& type) const;

    // The number of struct type.
    std::optional<std::uint32_t> structure(const std::string& type) const;

    // The number of a function's type, for what is attached by it (BPF_PROG_LOAD's attach_btf_id).
    std::optional<std::uint32_t> function(const std::string& name) const;

    // All members of `type` that point to functions, in the struct's order.
    std::vector<Handler> handlers(const std::string& type) const;

    // A value of an enum, by its name in the kernel's source.
    struct Enumerator {
        std::string name;
        std::int64_t value;
    };

    // All values of an enum: of "skb_drop_reason" {"SKB_DROP_REASON_NOT_SPECIFIED", 2} and others.
    std::vector<Enumerator> enumerators(const std::string& type) const;

  private:
    // A type by what it is looked for by.
    struct Named {
        std::uint32_t hash;  // of its name (user/probe/name_hash.h)
        std::uint32_t kind;  // BTF_KIND_*
        std::uint32_t id;
    };

    KernelTypes(btf* types, bool of_file);
    // The first type of this name and kind.
    std::optional<std::uint32_t> find(std::string_view name, std::uint32_t kind) const;

    std::unique_ptr<btf, FreeBtf> btf_;
    bool of_file_;
    std::vector<Named> named_;  // structs, unions, enums and functions, by id
};

}  // namespace sockray
