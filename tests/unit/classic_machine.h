// The kernel side's interpreter of filters (bpf/classic.h), run here, and programs to try it with.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>

#include "user/base/frame_filter.h"

namespace sockray {

// A frame as the kernel side finds it: the first bytes in one place, the others in a second one, or out of reach.
struct SplitFrame {
    std::span<const std::uint8_t> bytes;
    std::size_t head = 0;  // so many of them are in the first place
    bool rest_readable = true;
};

// What the program returns; nothing where it asked for bytes that are out of reach.
std::optional<std::uint32_t> run_classic(std::span<const sr_instruction> program, const SplitFrame& frame);

// What libpcap's bpf_filter() says of the whole frame.
std::uint32_t run_libpcap(std::span<const sr_instruction> program, std::span<const std::uint8_t> frame);

// A program of about `size` instructions that ends whatever it does, of numbers that `next` gives: any valid
// instructions, any jumps forward.
FilterProgram random_program(const std::function<std::uint32_t()>& next, std::size_t size);

}  // namespace sockray
