#include "user/probe/btf_check.h"

#include <fmt/format.h>
#include <linux/btf.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>
#include <vector>

namespace sockray {
namespace {

constexpr std::uint32_t most_nested = 256;

// What stands behind a type of this kind, bytes; nothing: no such kind.
std::optional<std::size_t> bytes_behind(std::uint32_t kind, std::size_t vlen) {
    switch (kind) {
        case BTF_KIND_INT: return sizeof(std::uint32_t);
        case BTF_KIND_PTR:
        case BTF_KIND_FWD:
        case BTF_KIND_TYPEDEF:
        case BTF_KIND_VOLATILE:
        case BTF_KIND_CONST:
        case BTF_KIND_RESTRICT:
        case BTF_KIND_FUNC:
        case BTF_KIND_FLOAT:
        case BTF_KIND_TYPE_TAG: return 0;
        case BTF_KIND_ARRAY: return sizeof(btf_array);
        case BTF_KIND_STRUCT:
        case BTF_KIND_UNION: return vlen * sizeof(btf_member);
        case BTF_KIND_ENUM: return vlen * sizeof(btf_enum);
        case BTF_KIND_ENUM64: return vlen * sizeof(btf_enum64);
        case BTF_KIND_FUNC_PROTO: return vlen * sizeof(btf_param);
        case BTF_KIND_VAR: return sizeof(btf_var);
        case BTF_KIND_DATASEC: return vlen * sizeof(btf_var_secinfo);
        case BTF_KIND_DECL_TAG: return sizeof(btf_decl_tag);
        default: return std::nullopt;
    }
}

bool names_a_type(std::uint32_t kind) {
    switch (kind) {
        case BTF_KIND_PTR:
        case BTF_KIND_TYPEDEF:
        case BTF_KIND_VOLATILE:
        case BTF_KIND_CONST:
        case BTF_KIND_RESTRICT:
        case BTF_KIND_TYPE_TAG:
        case BTF_KIND_FUNC:
        case BTF_KIND_FUNC_PROTO:
        case BTF_KIND_VAR:
        case BTF_KIND_DECL_TAG: return true;
        default: return false;
    }
}

class Checker {
  public:
    explicit Checker(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

    Status check() {
        return check_header()
            .and_then([&] { return check_names(); })
            .and_then([&] { return find_types(); })
            .and_then([&] { return check_types(); });
    }

  private:
    struct Type {
        std::size_t at;  // of its btf_type
        std::uint32_t kind;
        std::size_t vlen;
    };

    template <typename T>
    T read(std::size_t at) const {
        T value;
        std::memcpy(&value, bytes_.data() + at, sizeof value);
        return value;
    }
    template <typename T>
    T item(const Type& type, std::size_t index) const {
        return read<T>(type.at + sizeof(btf_type) + index * sizeof(T));
    }

    Status check_header() {
        if (bytes_.size() < sizeof(btf_header)) return fail("it is shorter than a header");
        header_ = read<btf_header>(0);
        if (header_.magic != BTF_MAGIC) return fail("it does not begin as BTF of this machine does");
        if (header_.version != BTF_VERSION || header_.flags != 0)
            return fail(fmt::format("its version {} with flags {} is not known", header_.version, header_.flags));
        if (header_.hdr_len < sizeof(btf_header) || header_.hdr_len > bytes_.size())
            return fail(fmt::format("its header has {} bytes of {}", header_.hdr_len, bytes_.size()));
        for (std::size_t at = sizeof(btf_header); at < header_.hdr_len; at++)
            if (bytes_[at] != 0) return fail("its header has fields that are not known");
        const std::uint64_t room = bytes_.size() - header_.hdr_len;
        const std::uint64_t types_end = std::uint64_t{header_.type_off} + header_.type_len;
        const std::uint64_t names_end = std::uint64_t{header_.str_off} + header_.str_len;
        if (types_end > room || names_end > room) return fail("a section of it ends behind the file");
        if (header_.type_off % sizeof(std::uint32_t) != 0 || header_.type_len % sizeof(std::uint32_t) != 0)
            return fail("its types do not begin and end at multiples of 4");
        if (header_.type_off < names_end && header_.str_off < types_end) return fail("its sections overlap");
        return {};
    }

    Status check_names() const {
        const std::size_t begin = header_.hdr_len + header_.str_off;
        if (header_.str_len == 0 || header_.str_len > BTF_MAX_NAME_OFFSET)
            return fail(fmt::format("it has {} bytes of names", header_.str_len));
        if (bytes_[begin] != 0 || bytes_[begin + header_.str_len - 1] != 0)
            return fail("its names do not begin and end with a zero byte");
        return {};
    }

    Status find_types() {
        const std::size_t end = header_.hdr_len + header_.type_off + header_.type_len;
        for (std::size_t at = header_.hdr_len + header_.type_off; at < end;) {
            if (types_.size() >= BTF_MAX_TYPE) return fail(fmt::format("it has more than {} types", BTF_MAX_TYPE));
            if (end - at < sizeof(btf_type)) return wrong(types_.size() + 1, "is cut off");
            const auto info = read<btf_type>(at).info;
            const Type type{at, BTF_INFO_KIND(info), BTF_INFO_VLEN(info)};
            const auto behind = bytes_behind(type.kind, type.vlen);
            if (!behind) return wrong(types_.size() + 1, fmt::format("is of a kind that is not known ({})", type.kind));
            if (end - at - sizeof(btf_type) < *behind) return wrong(types_.size() + 1, "is cut off");
            types_.push_back(type);
            at += sizeof(btf_type) + *behind;
        }
        return {};
    }

    Status check_types() {
        heights_.assign(types_.size() + 1, 0);
        for (std::uint32_t id = 1; id <= types_.size(); id++)
            if (Status whole = check_type(id); !whole) return whole;
        for (std::uint32_t id = 1; id <= types_.size(); id++)
            if (height(id, 0) > most_nested) return wrong(id, "holds itself, or is nested too deeply");
        return {};
    }

    Status check_type(std::uint32_t id) const {
        const Type& type = types_[id - 1];
        const auto head = read<btf_type>(type.at);
        bool named = is_name(head.name_off);
        bool typed = !names_a_type(type.kind) || is_type(head.type);
        bool inside = true;
        const auto each = [&](auto&& look) {
            for (std::size_t i = 0; i < type.vlen; i++) look(i);
        };
        switch (type.kind) {
            case BTF_KIND_ARRAY: {
                const auto array = item<btf_array>(type, 0);
                typed = is_type(array.type) && is_type(array.index_type);
                break;
            }
            case BTF_KIND_STRUCT:
            case BTF_KIND_UNION:
                each([&](std::size_t i) {
                    const auto member = item<btf_member>(type, i);
                    const std::uint32_t bits =
                        BTF_INFO_KFLAG(head.info) ? BTF_MEMBER_BIT_OFFSET(member.offset) : member.offset;
                    named = named && is_name(member.name_off);
                    typed = typed && is_type(member.type);
                    inside = inside && bits / 8 <= head.size;
                });
                break;
            case BTF_KIND_ENUM:
                each([&](std::size_t i) { named = named && is_name(item<btf_enum>(type, i).name_off); });
                break;
            case BTF_KIND_ENUM64:
                each([&](std::size_t i) { named = named && is_name(item<btf_enum64>(type, i).name_off); });
                break;
            case BTF_KIND_FUNC_PROTO:
                each([&](std::size_t i) {
                    const auto parameter = item<btf_param>(type, i);
                    named = named && is_name(parameter.name_off);
                    typed = typed && is_type(parameter.type);
                });
                break;
            case BTF_KIND_DATASEC:
                each([&](std::size_t i) { typed = typed && is_type(item<btf_var_secinfo>(type, i).type); });
                break;
            case BTF_KIND_FUNC:
                typed = typed && head.type != 0 && types_[head.type - 1].kind == BTF_KIND_FUNC_PROTO;
                break;
            default: break;
        }
        if (!named) return wrong(id, "has a name behind the last one");
        if (!typed) return wrong(id, "names a type that is not there, or of the wrong kind");
        if (!inside) return wrong(id, "has a member behind its end");
        return {};
    }

    // How many types it goes through that hold each other by value, at most most_nested + 1.
    std::uint32_t height(std::uint32_t id, std::uint32_t depth) {
        constexpr std::uint32_t being_looked_at = most_nested + 1;
        if (id == 0) return 0;
        if (heights_[id] != 0) return heights_[id];
        heights_[id] = being_looked_at;
        if (depth > most_nested) return heights_[id];
        const Type& type = types_[id - 1];
        std::uint32_t highest = 0;
        switch (type.kind) {
            case BTF_KIND_TYPEDEF:
            case BTF_KIND_VOLATILE:
            case BTF_KIND_CONST:
            case BTF_KIND_RESTRICT:
            case BTF_KIND_TYPE_TAG:
            case BTF_KIND_VAR: highest = height(read<btf_type>(type.at).type, depth + 1); break;
            case BTF_KIND_ARRAY: highest = height(item<btf_array>(type, 0).type, depth + 1); break;
            case BTF_KIND_STRUCT:
            case BTF_KIND_UNION:
                for (std::size_t i = 0; i < type.vlen; i++)
                    highest = std::max(highest, height(item<btf_member>(type, i).type, depth + 1));
                break;
            default: break;
        }
        return heights_[id] = std::min(highest + 1, most_nested + 1);
    }

    bool is_name(std::uint32_t offset) const { return offset < header_.str_len; }
    bool is_type(std::uint32_t id) const { return id <= types_.size(); }
    static Status wrong(std::size_t id, const std::string& what) {
        return fail(fmt::format("its type {} {}", id, what));
    }

    std::span<const std::uint8_t> bytes_;
    btf_header header_{};
    std::vector<Type> types_;  // type 1 first
    std::vector<std::uint32_t> heights_;
};

}  // namespace

Status check_btf(std::span<const std::uint8_t> bytes) {
    return Checker(bytes).check();
}

}  // namespace sockray
