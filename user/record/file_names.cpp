#include "user/record/file_names.h"

#include <array>
#include <ctime>
#include <string_view>

#include "user/base/format.h"

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

std::string file_name(const std::string& path, const Rotation& rotation, std::uint32_t index, std::int64_t realtime_s) {
    std::string name = path;
    std::string ending;
    if (is_compressed_name(name)) {
        ending = compressed;
        name.resize(name.size() - compressed.size());
    }
    if (rotation.seconds) {
        const std::string timed = with_time(name, realtime_s);
        if (timed != name && !rotation.bytes) return timed + ending;
        name = timed;
    }
    if (rotation.bytes && rotation.files)
        return fmt::format("{}{:0{}}{}", name, index % rotation.files, digits(rotation.files), ending);
    return index ? fmt::format("{}{}{}", name, index, ending) : name + ending;
}

}  // namespace sockray
