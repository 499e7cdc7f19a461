// Numbers and names as the findings say them, and the few sends that they show.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "user/analyze/finding.h"
#include "user/analyze/findings/rule.h"
#include "user/base/percent.h"

namespace sockray {

// "3120 of 4000 sends (78 %)".
std::string of_sends(std::uint64_t part, std::uint64_t whole);
// Of sends that were lost: against all that the session had, Totals::whole().
std::string of_lost(std::uint64_t part, const Totals& all);
// Of what sends have in common, delivered ones among them: of those that --outcome left out it is not known, and
// "3120 of the 4000 sends recorded (78 %)" says so. `whole`: of those recorded.
std::string of_recorded(std::uint64_t part, std::uint64_t whole, const Totals& all);
std::string of_recorded(std::uint64_t part, const Totals& all);
// "all time in the kernel"; "the time that the sends recorded spent in the kernel".
std::string_view all_time(const Totals& all);
// How long a span took; 0 where one of its ends is not known.
constexpr std::uint64_t length_of(const sr_span& span) {
    return span.start && span.end > span.start ? span.end - span.start : 0;
}

// A name as one word of a shell's command line: names of interfaces are chosen by others, and the advice is there to be
// copied. "IFACE" where it is empty.
std::string shell_word(std::string_view name);

// The sends that show something best: those with the largest value, the earlier ones where that is equal.
class Examples {
  public:
    static constexpr std::size_t kept = 3;
    void add(const Send& send, std::uint64_t value = 0) {
        added_++;
        if (value > least_ || best_.size() < kept) keep(send, value);
    }
    // Puts them into the finding in the order of their ids, and how many more there are. `in_all`: how many show it;
    // none: all that were added.
    void put_into(Finding& finding, std::optional<std::uint64_t> in_all = {}) const;

  private:
    void keep(const Send& send, std::uint64_t value);
    std::vector<std::pair<std::uint64_t, Send>> best_;  // by value, the largest first
    std::uint64_t least_ = 0;                           // of the values kept
    std::uint64_t added_ = 0;
};

// How often each name came, for at most `kept` names.
class NameCounts {
  public:
    static constexpr std::size_t kept = 32;
    void add(std::string_view name);
    // The `limit` most frequent, and how often.
    std::vector<std::pair<std::string, std::uint64_t>> most(std::size_t limit) const;
    // The most frequent one; empty where there is none.
    std::string first() const;
    // "veth0 3120, veth1 7", of the most frequent ones, and how many came with others.
    std::string listed() const;

  private:
    std::vector<std::pair<std::string, std::uint64_t>> names_;
    std::uint64_t others_ = 0;
};

}  // namespace sockray
