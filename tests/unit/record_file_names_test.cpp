// The names of a recording's files, and which file may come to be one of them.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "user/record/file_names.h"

namespace sockray {
namespace {

namespace fs = std::filesystem;

class FileNamesTest : public testing::Test {
  protected:
    void SetUp() override {
        folder_ = fs::temp_directory_path() / ("sockray-names-" + std::to_string(::getpid()));
        fs::remove_all(folder_);
        fs::create_directory(folder_);
    }
    void TearDown() override { fs::remove_all(folder_); }
    // Whether a recording of this path may come to overwrite the file that is there.
    bool may_be(const std::string& path, const Rotation& rotation, const std::string& there) const {
        std::ofstream(folder_ / there) << "x";
        return FileNames(folder_ / path, rotation).may_be(folder_ / there);
    }
    fs::path folder_;
};

constexpr Rotation by_size{.bytes = 1000};
constexpr Rotation ring{.bytes = 1000, .files = 3};
constexpr Rotation by_time{.seconds = 1};

TEST_F(FileNamesTest, AreTheStemTheTimeAndANumber) {
    for (const Rotation& rotation : {by_size, ring}) {
        EXPECT_TRUE(may_be("cap", rotation, "cap"));
        EXPECT_TRUE(may_be("cap", rotation, "cap2"));
        EXPECT_TRUE(may_be("cap.zst", rotation, "cap2.zst"));
        EXPECT_FALSE(may_be("cap", rotation, "cap.pcap"));
        EXPECT_FALSE(may_be("cap", rotation, "capture"));
        EXPECT_FALSE(may_be("cap.zst", rotation, "cap2"));
        EXPECT_FALSE(may_be("cap", rotation, "other"));
    }
    EXPECT_TRUE(may_be("cap-%H%M", by_time, "cap-1200"));
    EXPECT_TRUE(may_be("cap-%H%M", by_time, "cap-12001"));
    EXPECT_FALSE(may_be("cap-%H%M", by_time, "cap-old"));
    EXPECT_FALSE(may_be("cap-%H%M", by_size, "cap-1200")) << "without -G it is no conversion";
}

TEST_F(FileNamesTest, AreThoseOfTheirOwnFolderAlone) {
    fs::create_directory(folder_ / "sub");
    EXPECT_FALSE(may_be("sub/cap", by_size, "cap1"));
    EXPECT_TRUE(may_be("sub/../cap", by_size, "cap1"));
    EXPECT_TRUE(may_be("%H/cap", by_time, "cap1")) << "the time may make it so";
    fs::create_symlink(folder_ / "cap1", folder_ / "link");
    EXPECT_TRUE(FileNames(folder_ / "cap", by_size).may_be(folder_ / "link")) << "by whatever name it is read";
    EXPECT_FALSE(FileNames(folder_ / "cap", by_size).may_be(folder_ / "nothing"));
}

}  // namespace
}  // namespace sockray
