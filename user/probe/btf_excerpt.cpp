#include "user/probe/btf_excerpt.h"

#include <bpf/btf.h>

namespace sockray {

void FreeBtf::operator()(btf* types) const {
    btf__free(types);
}

BtfExcerpt::BtfExcerpt(const btf* from) : from_(from), to_(btf__new_empty()), failed_(!to_) {}

std::uint32_t BtfExcerpt::take(std::uint32_t id) {
    if (id == 0 || failed_) return 0;
    const auto [place, is_new] = taken_.try_emplace(id, 0);
    if (!is_new) return place->second;
    const std::uint32_t here = copy(id);
    return taken_[id] = here;
}

std::uint32_t BtfExcerpt::copy(std::uint32_t id) {
    const auto number = [this](int made) {
        failed_ = failed_ || made < 0;
        return failed_ ? 0 : static_cast<std::uint32_t>(made);
    };
    const btf_type* type = btf__type_by_id(from_, id);
    const auto copied = [&] { return number(btf__add_type(to_.get(), from_, type)); };
    const auto here = [this](std::uint32_t made) { return const_cast<btf_type*>(btf__type_by_id(to_.get(), made)); };
    switch (btf_kind(type)) {
        case BTF_KIND_STRUCT:
        case BTF_KIND_UNION: {
            std::vector<std::uint32_t> inner;
            for (std::uint32_t i = 0; i < btf_vlen(type); i++) inner.push_back(take(btf_members(type)[i].type));
            const std::uint32_t made = copied();
            for (std::uint32_t i = 0; made && i < inner.size(); i++) btf_members(here(made))[i].type = inner[i];
            return made;
        }
        case BTF_KIND_ARRAY: {
            const auto element = static_cast<int>(take(btf_array(type)->type));
            return number(btf__add_array(to_.get(), 0, element, btf_array(type)->nelems));
        }
        case BTF_KIND_TYPEDEF:
        case BTF_KIND_CONST:
        case BTF_KIND_VOLATILE:
        case BTF_KIND_RESTRICT:
        case BTF_KIND_TYPE_TAG: {
            const std::uint32_t inner = take(type->type);
            const std::uint32_t made = copied();
            if (made) here(made)->type = inner;
            return made;
        }
        case BTF_KIND_PTR:
            if (!pointer_) pointer_ = number(btf__add_ptr(to_.get(), 0));
            return pointer_;
        case BTF_KIND_INT:
        case BTF_KIND_FLOAT:
        case BTF_KIND_ENUM:
        case BTF_KIND_ENUM64: return copied();
        default: return 0;  // functions and what is only declared lie behind pointers
    }
}

std::vector<std::uint8_t> BtfExcerpt::bytes() const {
    std::uint32_t size = 0;
    const auto* data = failed_ ? nullptr : static_cast<const std::uint8_t*>(btf__raw_data(to_.get(), &size));
    return data ? std::vector(data, data + size) : std::vector<std::uint8_t>();
}

}  // namespace sockray
