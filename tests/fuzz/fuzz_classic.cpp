// Any filter over any frame: the kernel side's interpreter says what libpcap says, wherever the frame is split, and
// reads no byte that is not the frame's.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "tests/unit/classic_machine.h"

// The first three bytes: instructions, bytes of the frame, how many of these are in the first place. Then the numbers
// that the program is made of (0 where they end), then the frame.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size < 3) return 0;
    const std::size_t instructions = data[0] + std::size_t{1};
    const std::size_t bytes = std::min<std::size_t>(data[1], size - 3);
    const std::span<const std::uint8_t> frame(data + size - bytes, bytes);
    std::span<const std::uint8_t> numbers(data + 3, size - 3 - bytes);
    const auto next = [&] {
        std::uint32_t number = 0;
        for (int i = 0; i < 4 && !numbers.empty(); i++) {
            number = number << 8 | numbers.front();
            numbers = numbers.subspan(1);
        }
        return number;
    };
    const sockray::FilterProgram program = sockray::random_program(next, instructions);
    const std::size_t head = data[2] % (bytes + 1);
    const std::uint32_t expected = sockray::run_libpcap(program, frame);
    if (sockray::run_classic(program, {frame, head}) != expected) std::abort();
    const auto blind = sockray::run_classic(program, {frame, head, false});
    if (blind && *blind != expected) std::abort();
    return 0;
}
