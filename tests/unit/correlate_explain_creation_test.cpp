// Why a socket() was refused, in a sentence.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>

#include "user/correlate/explain.h"

namespace sockray {
namespace {

sr_socket refused_socket(int err) {
    sr_socket socket{};
    socket.family = AF_PACKET;
    socket.sock_type = SOCK_RAW;
    socket.create_seen = 1;
    socket.ret = socket.create_ret = -err;
    return socket;
}

TEST(ASocket, ThatWasMadeNeedsNoExplanation) {
    EXPECT_EQ(explain_creation(sr_socket{}), "");
}

TEST(ASocket, RefusedByPacketCreateWithEpermLacksCapNetRaw) {
    EXPECT_EQ(explain_creation(refused_socket(EPERM)),
              "EPERM: packet_create asks for CAP_NET_RAW in the user namespace that owns the network namespace");
}

TEST(ASocket, RefusedBeforePacketCreateWithEpermMetASecurityModule) {
    sr_socket socket = refused_socket(EPERM);
    socket.create_seen = 0;
    socket.create_ret = 0;
    EXPECT_EQ(explain_creation(socket),
              "EPERM: packet_create was not seen: a security module refused before it was called, or it is not hooked");
}

TEST(ASocket, OfATypeThatPacketSocketsDoNotHave) {
    sr_socket socket = refused_socket(ESOCKTNOSUPPORT);
    socket.sock_type = SOCK_STREAM;
    EXPECT_EQ(explain_creation(socket), "ESOCKTNOSUPPORT: type 1 is none of SOCK_RAW, SOCK_DGRAM and SOCK_PACKET");
}

TEST(ASocket, WithAnyReturnValueGetsASentence) {
    sr_socket socket = refused_socket(0);
    for (const std::int32_t ret : {-4096, -70000, INT32_MIN, INT32_MIN + 1}) {
        socket.ret = ret;
        EXPECT_NE(explain_creation(socket), "") << ret;
    }
}

TEST(ASocket, RefusedForAnotherReasonHasTheTextOfItsErrno) {
    EXPECT_EQ(explain_creation(refused_socket(ENOBUFS)), "ENOBUFS: No buffer space available");
}

}  // namespace
}  // namespace sockray
