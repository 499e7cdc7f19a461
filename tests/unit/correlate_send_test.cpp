// What a record says of a send by itself.
#include "user/correlate/send.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>

#include <cerrno>

#include "tests/unit/correlate_records.h"

namespace sockray {
namespace {

sr_send entered_by(Stage stage, std::int32_t syscall, bool address) {
    sr_send send = sample::taken();
    send.stage[SR_SLOT_ENTRY] = static_cast<__u8>(stage);
    send.syscall = syscall;
    send.flags = address ? SR_SEND_ADDRESS : 0;
    return send;
}

TEST(TheEntry, IsSendWhereSendtoGaveNoAddress) {
    EXPECT_EQ(entry_name(entered_by(Stage::sys_sendto, SYS_sendto, true)), "sendto");
    EXPECT_EQ(entry_name(entered_by(Stage::sys_sendto, SYS_sendto, false)), "send");
}

TEST(TheEntry, IsNamedByTheFunctionThatWasEnteredWhateverTheNumberOfTheSystemCall) {
    constexpr std::int32_t socketcall = 102;  // of 32-bit programs
    EXPECT_EQ(entry_name(entered_by(Stage::sys_sendto, socketcall, true)), "sendto");
    EXPECT_EQ(entry_name(entered_by(Stage::sys_sendmsg, socketcall, true)), "sendmsg");
    EXPECT_EQ(entry_name(entered_by(Stage::sys_sendmmsg, socketcall, false)), "sendmmsg");
}

TEST(TheEntry, IsNamedByTheSystemCallWhereNoFunctionWasSeen) {
    EXPECT_EQ(entry_name(entered_by(Stage::none, SYS_sendto, true)), "sendto");
    EXPECT_EQ(entry_name(entered_by(Stage::none, SYS_sendto, false)), "send");
    EXPECT_EQ(entry_name(entered_by(Stage::none, SYS_sendmsg, false)), "sendmsg");
    EXPECT_EQ(entry_name(entered_by(Stage::none, SYS_sendmmsg, false)), "sendmmsg");
    EXPECT_EQ(entry_name(entered_by(Stage::none, SYS_io_uring_enter, false)), "io_uring");
    EXPECT_EQ(entry_name(entered_by(Stage::none, SYS_io_uring_setup, false)), "io_uring") << "an SQPOLL thread";
    EXPECT_EQ(entry_name(entered_by(Stage::none, SYS_splice, false)), "splice");
    EXPECT_EQ(entry_name(entered_by(Stage::none, SYS_sendfile, false)), "sendfile");
}

TEST(TheEntry, OfAWriteIsTheWriteThatWasCalled) {
    EXPECT_EQ(entry_name(entered_by(Stage::sock_write_iter, SYS_write, false)), "write");
    EXPECT_EQ(entry_name(entered_by(Stage::sock_write_iter, SYS_writev, false)), "writev");
    EXPECT_EQ(entry_name(entered_by(Stage::sock_write_iter, SYS_pwritev, false)), "pwritev");
    EXPECT_EQ(entry_name(entered_by(Stage::sock_write_iter, SYS_pwritev2, false)), "pwritev2");
    EXPECT_EQ(entry_name(entered_by(Stage::sock_write_iter, 4, false)), "write") << "of a 32-bit program";
}

TEST(TheEntry, OfASendThatNoSystemCallExplainsIsUnknown) {
    EXPECT_EQ(entry_name(entered_by(Stage::none, -1, false)), "unknown");
    EXPECT_EQ(entry_name(entered_by(Stage::none, 1'000'000, true)), "unknown");
}

TEST(TheBeginning, IsTheEarliestStageThatWasSeen) {
    sr_send send = sample::taken();
    EXPECT_EQ(begin_ns(send), 1000U);
    sample::unpass(send, SR_SLOT_ENTRY);
    EXPECT_EQ(begin_ns(send), 1050U);
    sample::unpass(send, SR_SLOT_LOOKUP);
    EXPECT_EQ(begin_ns(send), 1080U);
    sample::unpass(send, SR_SLOT_INNER);
    EXPECT_EQ(begin_ns(send), 1100U);
}

TEST(TheBeginning, IsNotTakenFromWhatEndedWithoutBeginning) {
    sr_send send = sample::taken();
    send.span[SR_SLOT_ENTRY] = {0, 500};
    EXPECT_EQ(begin_ns(send), 1050U);
}

TEST(AnErrnosName, IsTheSymbolOfTheHeader) {
    EXPECT_EQ(errno_name(ENOBUFS), "ENOBUFS");
    EXPECT_EQ(errno_name(EAGAIN), "EAGAIN");
    EXPECT_EQ(errno_name(ENXIO), "ENXIO");
}

TEST(AnErrnosName, IsKnownForThoseThatOnlyTheKernelSees) {
    EXPECT_EQ(errno_name(512), "ERESTARTSYS");
    EXPECT_EQ(errno_name(513), "ERESTARTNOINTR");
    EXPECT_EQ(errno_name(514), "ERESTARTNOHAND");
    EXPECT_EQ(errno_name(516), "ERESTART_RESTARTBLOCK");
    EXPECT_EQ(errno_name(524), "ENOTSUPP");
}

TEST(AnErrnosName, IsTheNumberWhereThereIsNone) {
    EXPECT_EQ(errno_name(4095), "E4095");
}

}  // namespace
}  // namespace sockray
