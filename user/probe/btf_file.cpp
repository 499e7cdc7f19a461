#include "user/probe/btf_file.h"

#include <elf.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/btf.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <optional>
#include <string_view>

#include "user/base/confined.h"
#include "user/base/fd.h"
#include "user/base/terminal.h"
#include "user/base/write_all.h"
#include "user/probe/btf_check.h"

namespace sockray {
namespace {

constexpr const char* remedy = "give the BTF of the running kernel, or its vmlinux with a section .BTF";

struct Range {
    std::uint64_t begin = 0;
    std::uint64_t bytes = 0;
};

template <typename T>
bool read_at(int fd, std::uint64_t at, T& value) {
    return ::pread(fd, &value, sizeof value, static_cast<off_t>(at)) == static_cast<ssize_t>(sizeof value);
}

std::optional<Range> find_section(int fd) {
    constexpr unsigned char own_order = std::endian::native == std::endian::little ? ELFDATA2LSB : ELFDATA2MSB;
    constexpr std::array<char, 6> wanted{".BTF"};
    Elf64_Ehdr elf{};
    if (!read_at(fd, 0, elf) || std::memcmp(elf.e_ident, ELFMAG, SELFMAG) != 0) return std::nullopt;
    if (elf.e_ident[EI_CLASS] != ELFCLASS64 || elf.e_ident[EI_DATA] != own_order) return std::nullopt;
    Elf64_Shdr names{};
    if (!read_at(fd, elf.e_shoff + std::uint64_t{elf.e_shstrndx} * sizeof names, names)) return std::nullopt;
    for (std::uint64_t i = 0; i < elf.e_shnum; i++) {
        Elf64_Shdr section{};
        std::array<char, 5> name{};
        if (!read_at(fd, elf.e_shoff + i * sizeof section, section)) return std::nullopt;
        if (!read_at(fd, names.sh_offset + section.sh_name, name)) continue;
        if (std::equal(name.begin(), name.end(), wanted.begin()) && !(section.sh_flags & SHF_COMPRESSED))
            return Range{section.sh_offset, section.sh_size};
    }
    return std::nullopt;
}

std::optional<Range> find_btf(int fd) {
    std::uint16_t magic = 0;
    if (!read_at(fd, 0, magic)) return std::nullopt;
    return magic == BTF_MAGIC ? Range{0, UINT64_MAX} : find_section(fd);
}

// All of it, or nothing.
void copy(int from, const Range& range, int to) {
    std::array<char, 65536> piece;
    for (std::uint64_t done = 0; done < range.bytes;) {
        const std::size_t most = std::min<std::uint64_t>(piece.size(), range.bytes - done);
        const ssize_t got = ::pread(from, piece.data(), most, static_cast<off_t>(range.begin + done));
        if (got <= 0) return;
        const auto bytes = static_cast<std::size_t>(got);
        if (write_all(to, std::string_view(piece.data(), bytes), SIZE_MAX, -1) != 0) return;
        done += bytes;
    }
}

}  // namespace

Result<std::vector<std::uint8_t>> read_btf_file(const std::string& file) {
    const std::string what = fmt::format("read BTF from '{}'", printable(file));
    const auto refused = [&](const std::string& why) { return fail(fmt::format("cannot {}: {}", what, why), remedy); };
    const Fd opened(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // it may be a pipe
    struct stat status {};
    if (!opened || ::fstat(opened.get(), &status) != 0) return refused(errno_text(errno));
    if (!S_ISREG(status.st_mode)) return refused("it is not a regular file");
    auto bytes = confined(what, most_btf_bytes + 1, [&](int fd) {
        if (const auto range = find_btf(opened.get())) copy(opened.get(), *range, fd);
    });
    if (!bytes) return bytes;
    if (bytes->empty()) return refused("it is neither BTF nor an ELF file of this machine with a section .BTF");
    if (bytes->size() > most_btf_bytes) return refused(fmt::format("it has more than {} bytes of it", most_btf_bytes));
    if (const Status sound = check_btf(*bytes); !sound) return refused(sound.error().what);
    return bytes;
}

}  // namespace sockray
