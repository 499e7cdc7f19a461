#include "user/analyze/reason_text.h"

#include <algorithm>
#include <charconv>

#include "user/base/format.h"

namespace sockray {
namespace {

constexpr std::string_view digits = "0123456789";

struct Digits {
    std::size_t begin = 0;
    std::size_t end = 0;
    bool counts = false;  // bytes or segments, or is a part of what does
};

// All numbers of the sentence. The last one first, for what one counts may stand behind another: "3 of 4 segments".
std::vector<Digits> numbers_in(std::string_view sentence) {
    std::vector<Digits> all;
    for (std::size_t at = sentence.find_first_of(digits); at != std::string_view::npos;
         at = sentence.find_first_of(digits, all.back().end))
        all.push_back({at, std::min(sentence.find_first_not_of(digits, at), sentence.size())});
    constexpr std::string_view of = " of ";
    const Digits* next = nullptr;
    for (auto one = all.rbegin(); one != all.rend(); next = &*one++) {
        const std::string_view behind = sentence.substr(one->end);
        one->counts = behind.starts_with(" bytes") || behind.starts_with(" segments") ||
                      (next && next->counts && next->begin == one->end + of.size() && behind.starts_with(of));
    }
    return all;
}

}  // namespace

ReasonText::ReasonText(std::string_view sentence) {
    std::size_t begin = 0;  // of what stands before the next number
    for (const Digits& one : numbers_in(sentence)) {
        const bool is_word = one.begin == 0 || sentence[one.begin - 1] == ' ' || sentence[one.begin - 1] == '(';
        std::uint64_t number = 0;
        if (!is_word || !one.counts) continue;
        if (std::from_chars(sentence.data() + one.begin, sentence.data() + one.end, number).ec != std::errc()) continue;
        between_.emplace_back(sentence.substr(begin, one.begin - begin));
        numbers_.push_back({number, number});
        begin = one.end;
    }
    between_.emplace_back(sentence.substr(begin));
}

void ReasonText::widen(const ReasonText& other) {
    for (std::size_t i = 0; i < std::min(numbers_.size(), other.numbers_.size()); i++) {
        numbers_[i].least = std::min(numbers_[i].least, other.numbers_[i].least);
        numbers_[i].most = std::max(numbers_[i].most, other.numbers_[i].most);
    }
}

std::string ReasonText::text() const {
    std::string text = between_.front();
    for (std::size_t i = 0; i < numbers_.size(); i++) {
        const auto& [least, most] = numbers_[i];
        text += least == most ? fmt::format("{}", least) : fmt::format("{} to {}", least, most);
        text += between_[i + 1];
    }
    return text;
}

}  // namespace sockray
