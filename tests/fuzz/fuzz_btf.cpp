// BTF of a file: what passes the check is given to libbpf, which is to read it without harm.
#include <bpf/btf.h>

#include <cstddef>
#include <cstdint>

#include "user/probe/btf_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
    if (!sockray::check_btf({bytes, size})) return 0;
    btf* types = btf__new(bytes, static_cast<__u32>(size));
    if (!types) return 0;
    for (__u32 id = 0; id < btf__type_cnt(types); id++) {
        (void)btf__resolve_size(types, id);
        (void)btf__resolve_type(types, id);
        (void)btf__name_by_offset(types, btf__type_by_id(types, id)->name_off);
    }
    btf__free(types);
    return 0;
}
