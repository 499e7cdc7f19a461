#include "user/analyze/findings/words.h"

#include <algorithm>

#include "user/base/format.h"
#include "user/base/words.h"

namespace sockray {

std::string of_sends(std::uint64_t part, std::uint64_t whole) {
    return fmt::format("{} of {} ({})", part, count_of(whole, "send"), percent(share(part, whole)));
}

std::string of_lost(std::uint64_t part, const Totals& all) {
    return all.all_files ? of_sends(part, all.whole()) : of_recorded(part, all);
}

std::string of_recorded(std::uint64_t part, std::uint64_t whole, const Totals& all) {
    if (!all.left_out) return of_sends(part, whole);
    return fmt::format("{} of the {} recorded ({})", part, count_of(whole, "send"), percent(share(part, whole)));
}

std::string of_recorded(std::uint64_t part, const Totals& all) {
    return of_recorded(part, all.sends, all);
}

std::string_view all_time(const Totals& all) {
    return all.left_out ? "the time that the sends recorded spent in the kernel" : "all time in the kernel";
}

std::string shell_word(std::string_view name) {
    constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._@:-";
    if (name.empty()) return "IFACE";
    if (name.find_first_not_of(plain) == std::string_view::npos && name.front() != '-') return std::string(name);
    std::string word = "'";
    for (const char c : name) word += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return word + "'";
}

void Examples::keep(const Send& send, std::uint64_t value) {
    if (best_.size() == kept) best_.pop_back();
    const auto at =
        std::find_if(best_.begin(), best_.end(), [value](const auto& known) { return known.first < value; });
    best_.emplace(at, value, send)->second.frame = {};
    least_ = best_.back().first;
}

void Examples::put_into(Finding& finding, std::optional<std::uint64_t> in_all) const {
    for (const auto& [value, send] : best_) finding.examples.push_back(send);
    std::sort(finding.examples.begin(), finding.examples.end(),
              [](const Send& a, const Send& b) { return a.id < b.id; });
    for (const Send& send : finding.examples) finding.sends.push_back(send.id);
    const std::uint64_t shown = finding.sends.size();
    finding.more_sends = std::max(in_all.value_or(added_), shown) - shown;
}

void NameCounts::add(std::string_view name) {
    for (auto& [known, count] : names_) {
        if (known != name) continue;
        count++;
        return;
    }
    if (names_.size() < kept)
        names_.emplace_back(name, 1);
    else
        others_++;
}

std::vector<std::pair<std::string, std::uint64_t>> NameCounts::most(std::size_t limit) const {
    auto sorted = names_;
    std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
    sorted.resize(std::min(sorted.size(), limit));
    return sorted;
}

std::string NameCounts::first() const {
    const auto one = most(1);
    return one.empty() ? "" : one[0].first;
}

std::string NameCounts::listed() const {
    constexpr std::size_t shown = 4;
    std::string text;
    std::uint64_t others = others_;
    for (const auto& [name, count] : names_) others += count;
    for (const auto& [name, count] : most(shown)) {
        text += fmt::format("{}{} {}", text.empty() ? "" : ", ", name.empty() ? "(none)" : name, count);
        others -= count;
    }
    return others ? fmt::format("{}, others {}", text, others) : text;
}

}  // namespace sockray
