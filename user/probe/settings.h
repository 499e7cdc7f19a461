// What the programs are told before they are loaded: constants for the verifier from then on.
#pragma once

#include <cstdint>
#include <vector>

#include "bpf/records.h"
#include "user/probe/live_kernel.h"
#include "user/probe/tracer.h"

namespace sockray {

// The size that the ring gets, bytes: a power of two of a page at least.
std::uint32_t ring_size(std::uint32_t wanted);

// Addresses and offsets come from the running kernel; 0 where it does not tell.
sr_config make_config(LiveKernel& kernel, const TraceOptions& options);

// The filter's programs as sr_config::filter says where they are: one behind the other.
std::vector<sr_instruction> filter_code(const FrameFilter& filter);

}  // namespace sockray
