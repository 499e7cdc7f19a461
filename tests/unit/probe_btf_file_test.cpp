// Files that are given for a kernel's types, and say anything.
#include "user/probe/btf_file.h"

#include <bpf/btf.h>
#include <elf.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <random>

#include "user/probe/btf_check.h"

namespace sockray {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct FreeBtf {
    void operator()(btf* types) const { btf__free(types); }
};
using NewBtf = std::unique_ptr<btf, FreeBtf>;

Bytes bytes_of(const NewBtf& types) {
    __u32 size = 0;
    const auto* data = static_cast<const std::uint8_t*>(btf__raw_data(types.get(), &size));
    return {data, data + size};
}

// int, a struct of two, a pointer to it, a function that takes that, and an enum.
NewBtf sample() {
    NewBtf types(btf__new_empty());
    const int number = btf__add_int(types.get(), "int", 4, BTF_INT_SIGNED);
    const int pair = btf__add_struct(types.get(), "pair", 8);
    btf__add_field(types.get(), "first", number, 0, 0);
    btf__add_field(types.get(), "second", number, 32, 0);
    const int pointer = btf__add_ptr(types.get(), pair);
    const int proto = btf__add_func_proto(types.get(), number);
    btf__add_func_param(types.get(), "of", pointer);
    btf__add_func(types.get(), "swap", BTF_FUNC_GLOBAL, proto);
    btf__add_enum(types.get(), "kind", 4);
    btf__add_enum_value(types.get(), "one", 1);
    btf__add_array(types.get(), number, pair, 3);
    return types;
}

std::string refusal(const Bytes& bytes) {
    const Status status = check_btf(bytes);
    return status ? "" : status.error().what;
}

template <typename Change>
std::string refusal_of_header(Change change) {
    Bytes bytes = bytes_of(sample());
    btf_header header;
    std::memcpy(&header, bytes.data(), sizeof header);
    change(header);
    std::memcpy(bytes.data(), &header, sizeof header);
    return refusal(bytes);
}

TEST(BtfCheck, TakesWhatLibbpfMakesAndTheKernelHas) {
    EXPECT_EQ(refusal(bytes_of(sample())), "");
    std::ifstream file("/sys/kernel/btf/vmlinux", std::ios::binary);
    const Bytes own((std::istreambuf_iterator<char>(file)), {});
    if (!own.empty()) {
        EXPECT_EQ(refusal(own), "");
    }
}

TEST(BtfCheck, RefusesHeadersThatLead) {
    EXPECT_NE(refusal({}), "");
    EXPECT_NE(refusal(Bytes(23, 0)), "");
    EXPECT_NE(refusal_of_header([](btf_header& h) { h.magic = 0x9feb; }), "");
    EXPECT_NE(refusal_of_header([](btf_header& h) { h.version = 2; }), "");
    EXPECT_NE(refusal_of_header([](btf_header& h) { h.flags = 1; }), "");
    EXPECT_NE(refusal_of_header([](btf_header& h) { h.hdr_len = 8; }), "");
    EXPECT_NE(refusal_of_header([](btf_header& h) { h.hdr_len = UINT32_MAX; }), "");
    EXPECT_NE(refusal_of_header([](btf_header& h) { h.type_len += 4096; }), "");
    EXPECT_NE(refusal_of_header([](btf_header& h) { h.type_off = UINT32_MAX - 3; }), "");
    EXPECT_NE(refusal_of_header([](btf_header& h) { h.type_off = 2; }), "");
    EXPECT_NE(refusal_of_header([](btf_header& h) { h.str_off = UINT32_MAX; }), "");
    EXPECT_NE(refusal_of_header([](btf_header& h) { h.str_off = 0; }), "") << "over the types";
    EXPECT_NE(refusal_of_header([](btf_header& h) { h.str_len = 0; }), "");
    EXPECT_NE(refusal_of_header([](btf_header& h) { h.str_len -= 1; }), "") << "the last name does not end";
    EXPECT_NE(refusal_of_header([](btf_header& h) { h.type_len -= 4; }), "") << "a type is cut off";
}

// Of the type with this number, counted from 1, the word at this place.
std::string refusal_of_word(int id, std::size_t word, std::uint32_t value) {
    const NewBtf types = sample();
    Bytes bytes = bytes_of(types);
    const NewBtf parsed(btf__new(bytes.data(), static_cast<__u32>(bytes.size())));
    __u32 size = 0;
    const auto* raw = static_cast<const std::uint8_t*>(btf__raw_data(parsed.get(), &size));
    const auto* type = reinterpret_cast<const std::uint8_t*>(btf__type_by_id(parsed.get(), static_cast<__u32>(id)));
    const auto at = static_cast<std::size_t>(type - raw) + word * sizeof value;
    std::memcpy(bytes.data() + at, &value, sizeof value);
    return refusal(bytes);
}

TEST(BtfCheck, RefusesTypesAndNamesThatAreNotThere) {
    EXPECT_EQ(refusal_of_word(3, 2, 1), "") << "the right place: a pointer to another type";
    EXPECT_NE(refusal_of_word(3, 2, 900), "");
    EXPECT_NE(refusal_of_word(3, 0, 0x10000), "") << "its name";
    EXPECT_NE(refusal_of_word(2, 4, 900), "") << "a member's type";
    EXPECT_NE(refusal_of_word(2, 3, 0x10000), "") << "a member's name";
    EXPECT_NE(refusal_of_word(2, 5, 800), "") << "a member's place";
    EXPECT_NE(refusal_of_word(4, 4, 900), "") << "a parameter's type";
    EXPECT_NE(refusal_of_word(5, 2, 1), "") << "a function's type is no prototype";
    EXPECT_NE(refusal_of_word(6, 3, 0x10000), "") << "an enumerator's name";
    EXPECT_NE(refusal_of_word(7, 3, 900), "") << "what an array is of";
    EXPECT_NE(refusal_of_word(1, 1, 31U << 24), "") << "no such kind";
    EXPECT_NE(refusal_of_word(2, 1, (4U << 24) | 0xffff), "") << "more members than there is room for";
}

// libbpf goes through both without end.
TEST(BtfCheck, RefusesTypesThatHoldThemselves) {
    NewBtf inside(btf__new_empty());
    const int outer = btf__add_struct(inside.get(), "outer", 8);
    btf__add_field(inside.get(), "", outer, 0, 0);
    EXPECT_NE(refusal(bytes_of(inside)), "");
    NewBtf around(btf__new_empty());
    btf__add_const(around.get(), 2);
    btf__add_typedef(around.get(), "again", 1);
    EXPECT_NE(refusal(bytes_of(around)), "");
    NewBtf list(btf__new_empty());
    const int node = btf__add_struct(list.get(), "node", 8);
    btf__add_field(list.get(), "next", node + 1, 0, 0);
    btf__add_ptr(list.get(), node);
    EXPECT_EQ(refusal(bytes_of(list)), "") << "a pointer holds nothing";
    NewBtf deep(btf__new_empty());
    int last = btf__add_int(deep.get(), "int", 4, 0);
    for (int i = 0; i < 200'000; i++) last = btf__add_const(deep.get(), last);
    EXPECT_NE(refusal(bytes_of(deep)), "");
}

TEST(BtfCheck, TakesOrRefusesAnythingAndLibbpfThenReadsIt) {
    std::mt19937 random(1);
    const Bytes whole = bytes_of(sample());
    for (int i = 0; i < 20'000; i++) {
        Bytes bytes = whole;
        for (unsigned changes = 1 + random() % 3; changes > 0; changes--)
            bytes[random() % bytes.size()] = static_cast<std::uint8_t>(random());
        if (!check_btf(bytes)) continue;
        const NewBtf types(btf__new(bytes.data(), static_cast<__u32>(bytes.size())));
        if (!types) continue;
        for (__u32 id = 0; id < btf__type_cnt(types.get()); id++) {
            (void)btf__resolve_size(types.get(), id);
            (void)btf__resolve_type(types.get(), id);
        }
    }
}

class BtfFile : public testing::Test {
  protected:
    ~BtfFile() override { std::remove(path_.c_str()); }
    Result<Bytes> read(const Bytes& bytes) const {
        std::ofstream(path_, std::ios::binary)
            .write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
        ::chmod(path_.c_str(), 0600);
        return read_btf_file(path_);
    }
    std::string path_ = testing::TempDir() + "sockray_btf_file." + std::to_string(::getpid());
};

// With two sections: the names, and .BTF.
Bytes elf_with(const Bytes& btf) {
    constexpr char names[] = "\0.BTF\0.shstrtab";
    Elf64_Ehdr elf{};
    std::memcpy(elf.e_ident, ELFMAG, SELFMAG);
    elf.e_ident[EI_CLASS] = ELFCLASS64;
    elf.e_ident[EI_DATA] = ELFDATA2LSB;
    elf.e_shnum = 2;
    elf.e_shoff = sizeof elf;
    Elf64_Shdr sections[2]{};
    sections[0].sh_name = 6;
    sections[0].sh_offset = sizeof elf + sizeof sections;
    sections[0].sh_size = sizeof names;
    sections[1].sh_name = 1;
    sections[1].sh_offset = sections[0].sh_offset + sizeof names;
    sections[1].sh_size = btf.size();
    Bytes all;
    const auto add = [&](const void* from, std::size_t size) {
        const auto* bytes = static_cast<const std::uint8_t*>(from);
        all.insert(all.end(), bytes, bytes + size);
    };
    add(&elf, sizeof elf);
    add(sections, sizeof sections);
    add(names, sizeof names);
    add(btf.data(), btf.size());
    return all;
}

TEST_F(BtfFile, IsReadWholeOrFromASectionOfAnElfFile) {
    const Bytes btf = bytes_of(sample());
    EXPECT_EQ(read(btf), btf);
    EXPECT_EQ(read(elf_with(btf)), btf);
}

TEST_F(BtfFile, ThatIsNoneIsRefused) {
    const auto refused = [](const Result<Bytes>& bytes, const std::string& words) {
        ASSERT_FALSE(bytes) << words;
        EXPECT_EQ(bytes.error().kind, ErrorKind::failed);
        EXPECT_EQ(bytes.error().what.find("cannot read BTF from '"), 0U) << bytes.error().what;
        EXPECT_NE(bytes.error().what.find(words), std::string::npos) << bytes.error().what;
        EXPECT_FALSE(bytes.error().remedy.empty());
    };
    Bytes btf = bytes_of(sample());
    Bytes cut = elf_with(btf);
    cut.resize(cut.size() - 8);
    refused(read({}), "neither BTF nor");
    refused(read(Bytes(100, 'x')), "neither BTF nor");
    refused(read(cut), "behind the file");
    refused(read(elf_with(Bytes(100, 'x'))), "does not begin as");
    Bytes far = elf_with(btf);
    far[40] = far[44] = 0xff;  // e_shoff
    refused(read(far), "neither BTF nor");
    btf[16] = 0xff;
    refused(read(btf), "ends behind");
    refused(read_btf_file("/tmp/there/is/none"), "No such file");
    refused(read_btf_file("/tmp"), "not a regular file");
    refused(read_btf_file("/proc/self/exe"), "neither BTF nor");
}

}  // namespace
}  // namespace sockray
