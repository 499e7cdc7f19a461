#include "user/record/file_names.h"

#include <array>
#include <ctime>
#include <filesystem>
#include <string_view>

#include "user/base/format.h"
#include "user/base/same_file.h"

namespace sockray {
namespace {

constexpr std::string_view compressed = ".zst";

std::string with_time(const std::string& path, std::int64_t realtime_s) {
    const std::time_t seconds = realtime_s;
    std::tm local{};
    ::localtime_r(&seconds, &local);
    std::array<char, 4096> text{};
    const std::size_t length = std::strftime(text.data(), text.size(), path.c_str(), &local);
    return length ? std::string(text.data(), length) : path;
}

int digits(std::uint32_t files) {
    return static_cast<int>(fmt::formatted_size("{}", files - 1));
}

}  // namespace

bool is_compressed_name(const std::string& path) {
    return path.ends_with(compressed);
}

FileNames::FileNames(const std::string& path, const Rotation& rotation) : stem_(path), rotation_(rotation) {
    if (!is_compressed_name(path)) return;
    ending_ = compressed;
    stem_.resize(stem_.size() - compressed.size());
}

std::string FileNames::numbered(std::uint32_t index, const std::string& stem) const {
    if (rotation_.is_ring())
        return fmt::format("{}{:0{}}{}", stem, index % rotation_.files, digits(rotation_.files), ending_);
    return index ? fmt::format("{}{}{}", stem, index, ending_) : stem + ending_;
}

std::string FileNames::next(std::int64_t realtime_s) {
    const std::uint32_t index = index_++;
    if (!rotation_.seconds) return numbered(index, stem_);
    const std::string timed = with_time(stem_, realtime_s);
    if (rotation_.is_ring()) return numbered(index, timed);
    std::string name = numbered(rotation_.bytes ? index : 0, timed);
    if (given_.contains(name)) name = numbered(index, timed);
    for (std::string stem = timed; !given_.insert(name).second; name = numbered(index, stem))
        stem += '-';  // the 11th of "cap1", and the first of "cap11"
    return name;
}

bool FileNames::may_be(const std::string& path) const {
    std::error_code why;
    const std::filesystem::path file = std::filesystem::canonical(path, why);
    const std::filesystem::path own(stem_);
    std::string name = file.filename();
    if (why || !name.ends_with(ending_)) return false;
    name.resize(name.size() - ending_.size());
    const std::string begin = own.filename();
    std::tm time{};
    const char* behind = nullptr;
    if (rotation_.seconds)
        behind = ::strptime(name.c_str(), begin.c_str(), &time);
    else if (name.starts_with(begin))
        behind = name.c_str() + begin.size();
    if (!behind || std::string_view(behind).find_first_not_of("0123456789-") != std::string_view::npos) return false;
    // A folder whose name is made of the time may be any.
    const bool timed_folder = rotation_.seconds && own.parent_path().string().find('%') != std::string::npos;
    const std::string same_name = own.parent_path() / file.filename();
    return timed_folder || is_same_file(path, same_name);
}

}  // namespace sockray
