// The kernel's iterator over its symbols (kernel/kallsyms.c, bpf_iter_ksym; since 6.0): what /proc/kallsyms shows,
// without printing and parsing text.
#pragma once

#include <string>

#include "user/probe/btf.h"

namespace sockray {

// Records for Kallsyms::of_records, in the order of /proc/kallsyms. Empty where this kernel has no such iterator, or
// its types are not its own.
std::string iterate_ksyms(const KernelTypes& types);

}  // namespace sockray
