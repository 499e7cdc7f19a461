// The kernel's types, read from files that say anything.
#include "user/probe/btf.h"

#include <bpf/btf.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace sockray {
namespace {

using NewBtf = std::unique_ptr<btf, FreeBtf>;

NewBtf new_btf() {
    NewBtf types(btf__new_empty());
    btf__set_pointer_size(types.get(), 8);
    return types;
}

// A file with these types, gone at the end.
class File {
  public:
    explicit File(const NewBtf& types) : path_(::testing::TempDir() + "sockray_types.btf") {
        __u32 size = 0;
        const void* data = btf__raw_data(types.get(), &size);
        std::ofstream(path_, std::ios::binary).write(static_cast<const char*>(data), size);
    }
    ~File() { std::remove(path_.c_str()); }
    File(const File&) = delete;
    File& operator=(const File&) = delete;
    const std::string& path() const { return path_; }

  private:
    std::string path_;
};

KernelTypes read(const File& file) {
    auto types = KernelTypes::read(file.path());
    EXPECT_TRUE(types) << types.error().what;
    return std::move(*types);
}

// The kernel's: outer, which holds inner and points to far; an object's: a flavour of outer, and one that is not there.
TEST(KernelTypes, NamedByAnObjectAreThoseAndWhatLiesInsideOfThem) {
    const NewBtf types = new_btf();
    const int number = btf__add_int(types.get(), "int", 4, 0);
    const int inner = btf__add_struct(types.get(), "inner", 4);
    btf__add_field(types.get(), "value", number, 0, 0);
    const int far = btf__add_ptr(types.get(), btf__add_struct(types.get(), "far", 0));
    const int row = btf__add_array(types.get(), number, btf__add_const(types.get(), inner), 2);
    btf__add_struct(types.get(), "outer", 24);
    btf__add_field(types.get(), "away", far, 0, 0);
    btf__add_field(types.get(), "row", row, 64, 0);
    btf__add_struct(types.get(), "other", 4);
    btf__add_field(types.get(), "number", number, 0, 0);
    const File file(types);
    const NewBtf object = new_btf();
    btf__add_struct(object.get(), "outer___old", 8);
    btf__add_struct(object.get(), "missing", 8);

    const std::vector<std::uint8_t> bytes = read(file).named_by(object.get());
    const NewBtf named(btf__new(bytes.data(), static_cast<__u32>(bytes.size())));
    ASSERT_TRUE(named);
    const int outer = btf__find_by_name_kind(named.get(), "outer", BTF_KIND_STRUCT);
    ASSERT_GT(outer, 0);
    EXPECT_GT(btf__find_by_name_kind(named.get(), "inner", BTF_KIND_STRUCT), 0);
    EXPECT_LT(btf__find_by_name_kind(named.get(), "far", BTF_KIND_STRUCT), 0) << "behind a pointer";
    EXPECT_LT(btf__find_by_name_kind(named.get(), "other", BTF_KIND_STRUCT), 0);
    const btf_type* copy = btf__type_by_id(named.get(), static_cast<__u32>(outer));
    EXPECT_EQ(copy->size, 24U);
    ASSERT_EQ(btf_vlen(copy), 2U);
    EXPECT_EQ(btf_member_bit_offset(copy, 1), 64U);
    EXPECT_EQ(btf__resolve_size(named.get(), btf_members(copy)[1].type), 8);
    EXPECT_TRUE(btf_is_ptr(btf__type_by_id(named.get(), btf_members(copy)[0].type)));
}

TEST(KernelTypes, FindAMemberThroughNamedAndUnnamedStructs) {
    const NewBtf types = new_btf();
    const int number = btf__add_int(types.get(), "int", 4, 0);
    const int unnamed = btf__add_struct(types.get(), "", 8);
    btf__add_field(types.get(), "first", number, 0, 0);
    btf__add_field(types.get(), "wanted", number, 32, 0);
    const int inner = btf__add_struct(types.get(), "inner", 16);
    btf__add_field(types.get(), "other", number, 0, 0);
    btf__add_field(types.get(), "", unnamed, 64, 0);
    btf__add_struct(types.get(), "outer", 32);
    btf__add_field(types.get(), "", unnamed, 0, 0);
    btf__add_field(types.get(), "in", inner, 128, 0);
    const File file(types);
    EXPECT_EQ(read(file).offset("outer", {"in", "wanted"}), 28U);
    EXPECT_EQ(read(file).offset("outer", {"wanted"}), 4U);
    EXPECT_EQ(read(file).offset("outer", {"in", "absent"}), std::nullopt);
}

// 8 to the power of 14 ways lead to the innermost struct.
TEST(KernelTypes, FindNothingInUnnamedStructsWithoutEndInBoundedTime) {
    const NewBtf types = new_btf();
    int inner = btf__add_struct(types.get(), "", 0);
    for (int depth = 0; depth < 14; depth++) {
        const int around = btf__add_struct(types.get(), depth == 13 ? "outer" : "", 0);
        for (int i = 0; i < 8; i++) btf__add_field(types.get(), "", inner, 0, 0);
        inner = around;
    }
    const File file(types);
    const KernelTypes read_back = read(file);
    const auto start = std::chrono::steady_clock::now();
    EXPECT_EQ(read_back.offset("outer", {"wanted"}), std::nullopt);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1));
}

TEST(KernelTypes, OfAFileAreThereForLibbpfThoughTheFileHasGone) {
    const NewBtf types = new_btf();
    btf__add_struct(types.get(), "outer", 8);
    std::optional<KernelTypes> kept;
    {
        const File file(types);
        kept.emplace(read(file));
    }
    const std::vector<std::uint8_t> bytes = kept->named_by(types.get());
    const NewBtf again(btf__new(bytes.data(), static_cast<__u32>(bytes.size())));
    ASSERT_TRUE(again);
    EXPECT_GT(btf__find_by_name_kind(again.get(), "outer", BTF_KIND_STRUCT), 0);
}

}  // namespace
}  // namespace sockray
