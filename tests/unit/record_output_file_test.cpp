// The file that a recording goes to, where it is a pipe.
#include "user/record/output_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <thread>

namespace sockray {
namespace {

class APipe : public testing::Test {
  protected:
    void SetUp() override {
        std::filesystem::remove(path);
        ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    }
    void TearDown() override { std::filesystem::remove(path); }

    const std::string path = testing::TempDir() + "output_file_test." + std::to_string(::getpid());
};

TEST_F(APipe, ThatNobodyReadsIsWaitedForNoLongerThanUntilTheStop) {
    const Fd stop(::eventfd(1, EFD_CLOEXEC));
    const auto file = OutputFile::create(path, false, stop.get());
    ASSERT_FALSE(file);
    EXPECT_EQ(file.error().what, "cannot write " + path + ": nobody reads it");
}

TEST_F(APipe, IsWrittenWhenSomebodyReadsIt) {
    std::string text(5, '\0');
    std::thread reader([&] {
        const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
        (void)!::read(fd.get(), text.data(), text.size());
    });
    auto file = OutputFile::create(path, false, -1);
    ASSERT_TRUE(file) << file.error().what;
    EXPECT_TRUE(file->write("hello"));
    EXPECT_TRUE(file->finish());
    reader.join();
    EXPECT_EQ(text, "hello");
}

}  // namespace
}  // namespace sockray
