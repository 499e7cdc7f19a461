// Why a send was not delivered, told of many sends at once: what is each one's own (how many bytes it had, how many
// segments of it) becomes a range.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sockray {

class ReasonText {
  public:
    // `sentence`: Send::reason. A number before "bytes" or "segments" is the send's own, also as part of another: "3 of
    // 4 segments". Any other stays what it is: a limit, an index, a drop reason's number.
    explicit ReasonText(std::string_view sentence = {});

    // The same but for what is each send's own.
    bool is_like(const ReasonText& other) const { return between_ == other.between_; }
    // To the numbers of another one that is like it.
    void widen(const ReasonText& other);

    // "EMSGSIZE: 1515 to 9000 bytes, eth0 takes at most 1514 (MTU 1500 + 14)"
    std::string text() const;

  private:
    struct Range {
        std::uint64_t least = 0;
        std::uint64_t most = 0;
    };
    std::vector<std::string> between_;  // around the numbers: one more than there are
    std::vector<Range> numbers_;
};

}  // namespace sockray
