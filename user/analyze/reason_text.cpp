#include "user/analyze/reason_text.h"

#include <algorithm>
#include <charconv>

#include "user/base/format.h"

namespace sockray {
namespace {

constexpr std::string_view digits = "0123456789";

bool has_unit(std::string_view behind) {
    for (const std::string_view unit : {" bytes", " segments"})
        if (behind.starts_with(unit)) return true;
    constexpr std::string_view of = " of ";
    if (!behind.starts_with(of)) return false;
    behind.remove_prefix(of.size());
    const std::size_t end = behind.find_first_not_of(digits);
    return end != 0 && end != std::string_view::npos && has_unit(behind.substr(end));
}

}  // namespace

ReasonText::ReasonText(std::string_view sentence) {
    std::size_t begin = 0;  // of what stands before the next number
    for (std::size_t at = sentence.find_first_of(digits); at != std::string_view::npos;
         at = sentence.find_first_of(digits, at)) {
        const std::size_t end = std::min(sentence.find_first_not_of(digits, at), sentence.size());
        const bool is_word = at == 0 || sentence[at - 1] == ' ' || sentence[at - 1] == '(';
        std::uint64_t number = 0;
        if (is_word && has_unit(sentence.substr(end)) &&
            std::from_chars(sentence.data() + at, sentence.data() + end, number).ec == std::errc()) {
            between_.emplace_back(sentence.substr(begin, at - begin));
            numbers_.push_back({number, number});
            begin = end;
        }
        at = end;
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
