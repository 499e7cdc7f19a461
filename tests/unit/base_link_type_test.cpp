// One table of link types, for captures and for the frames of sends.
#include "user/base/link_type.h"

#include <gtest/gtest.h>
#include <linux/if_arp.h>
#include <pcap/dlt.h>

#include <cstdint>

namespace sockray {
namespace {

constexpr std::uint16_t arphrd_rawip = 519;

// As libpcap's map_arphrd_to_dlt() has them. DLT_RAW alone has another number in files.
TEST(ALinkType, OfWhatIsCapturedIsLibpcaps) {
    constexpr std::pair<std::uint16_t, std::uint16_t> as_it_is[] = {
        {ARPHRD_ETHER, DLT_EN10MB},
        {ARPHRD_LOOPBACK, DLT_EN10MB},
        {ARPHRD_FDDI, DLT_FDDI},
        {ARPHRD_CISCO, DLT_C_HDLC},
        {ARPHRD_IEEE80211, DLT_IEEE802_11},
        {ARPHRD_IEEE80211_PRISM, DLT_PRISM_HEADER},
        {ARPHRD_IEEE80211_RADIOTAP, DLT_IEEE802_11_RADIO},
        {ARPHRD_IEEE802154, DLT_IEEE802_15_4_NOFCS},
        {ARPHRD_NONE, linktype_raw},
        {ARPHRD_TUNNEL, linktype_raw},
        {ARPHRD_SIT, linktype_raw},
        {ARPHRD_SLIP, linktype_raw},
    };
    for (const auto& [arphrd, linktype] : as_it_is) {
        EXPECT_EQ(link_type_of(arphrd).linktype, linktype) << arphrd;
        EXPECT_FALSE(link_type_of(arphrd).cooked) << arphrd;
    }
    for (const std::uint16_t arphrd :
         {std::uint16_t{ARPHRD_PPP}, arphrd_rawip, std::uint16_t{ARPHRD_TUNNEL6}, std::uint16_t{ARPHRD_IPGRE},
          std::uint16_t{ARPHRD_CAN}, std::uint16_t{ARPHRD_INFINIBAND}, std::uint16_t{60000}}) {
        EXPECT_EQ(link_type_of(arphrd).linktype, linktype_linux_sll2) << arphrd;
        EXPECT_TRUE(link_type_of(arphrd).cooked) << arphrd;
    }
}

TEST(ALinkType, OfAFrameThatNobodyCooksIsThatOfItsCaptureOrWhatItsBytesAre) {
    for (std::uint32_t arphrd = 0; arphrd <= UINT16_MAX; arphrd++) {
        const auto type = static_cast<std::uint16_t>(arphrd);
        if (!link_type_of(type).cooked) {
            EXPECT_EQ(frame_link_type(type), link_type_of(type).linktype) << arphrd;
        }
        EXPECT_NE(frame_link_type(type), linktype_linux_sll2) << arphrd << ": no header of it stands there";
    }
    for (const std::uint16_t arphrd : {std::uint16_t{ARPHRD_PPP}, arphrd_rawip, std::uint16_t{ARPHRD_TUNNEL6},
                                       std::uint16_t{ARPHRD_IPGRE}, std::uint16_t{ARPHRD_IP6GRE}})
        EXPECT_EQ(frame_link_type(arphrd), linktype_raw) << arphrd;
    EXPECT_EQ(frame_link_type(ARPHRD_CAN), linktype_user0) << "LINKTYPE_CAN_SOCKETCAN is of another byte order";
    EXPECT_EQ(frame_link_type(60000), linktype_user0);
}

TEST(ALinkType, HasADeviceTypeWhoseFramesAreOfIt) {
    for (std::uint32_t arphrd = 0; arphrd <= UINT16_MAX; arphrd++) {
        const std::uint16_t linktype = frame_link_type(static_cast<std::uint16_t>(arphrd));
        if (linktype == linktype_user0) continue;
        EXPECT_EQ(frame_link_type(device_type_of(linktype)), linktype) << arphrd;
        EXPECT_EQ(link_type_of(device_type_of(linktype)).linktype, linktype) << arphrd;
    }
    EXPECT_EQ(device_type_of(linktype_ethernet), ARPHRD_ETHER);
    EXPECT_EQ(device_type_of(linktype_linux_sll2), 0);
}

}  // namespace
}  // namespace sockray
