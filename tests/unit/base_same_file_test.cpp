#include "user/base/same_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "user/base/fd.h"

namespace sockray {
namespace {

namespace fs = std::filesystem;

TEST(SameFile, IsFoundByAnyOfItsNamesAlsoBeforeItIsThere) {
    const fs::path folder = fs::temp_directory_path() / ("sockray-same-" + std::to_string(::getpid()));
    fs::create_directory(folder);
    const auto name = [&](const std::string& file) { return (folder / file).string(); };
    std::ofstream(name("one")) << "1";
    std::ofstream(name("other")) << "1";
    fs::create_hard_link(name("one"), name("hard"));
    fs::create_symlink("one", name("soft"));
    fs::create_symlink(folder, name("here"));
    fs::create_directory(name("sub"));
    for (const std::string again : {"one", "hard", "soft", "here/one", "sub/../one"})
        EXPECT_TRUE(is_same_file(name("one"), name(again))) << again;
    EXPECT_FALSE(is_same_file(name("one"), name("other")));
    EXPECT_TRUE(is_same_file(name("none"), name("here/none")));
    EXPECT_FALSE(is_same_file(name("none"), name("no/none")));
    EXPECT_FALSE(is_same_file(name("none"), name("one")));
    EXPECT_FALSE(is_same_file("/dev/null", "/dev/null"));
    const Fd open(::open(name("hard").c_str(), O_RDONLY | O_CLOEXEC));
    EXPECT_TRUE(is_same_file(name("one"), open.get()));
    EXPECT_FALSE(is_same_file(name("other"), open.get()));
    EXPECT_FALSE(is_same_file(name("none"), open.get()));
    const fs::path before = fs::current_path();
    fs::current_path(folder);
    EXPECT_TRUE(is_same_file("none", name("none"))) << "relative, and not there";
    fs::current_path(before);
    fs::remove_all(folder);
}

}  // namespace
}  // namespace sockray
