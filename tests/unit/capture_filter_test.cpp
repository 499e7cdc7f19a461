#include "user/capture/filter.h"

#include <gtest/gtest.h>
#include <linux/bpf_common.h>
#include <linux/if_arp.h>

#include <algorithm>

#include "user/base/link_type.h"

namespace sockray {
namespace {

constexpr std::uint32_t ancillary(int field) {
    return static_cast<std::uint32_t>(SKF_AD_OFF + field);
}

std::vector<sock_filter> made(std::vector<sock_filter> program, bool cooked, std::uint32_t snaplen = 1000) {
    const auto filter = kernel_filter({std::move(program), CaptureDirection::in, snaplen, cooked});
    EXPECT_TRUE(filter) << filter.error().what;
    // Behind the four instructions for the direction.
    return {filter->begin() + 4, filter->end()};
}

std::string refusal(std::vector<sock_filter> program) {
    const auto filter = kernel_filter({std::move(program), CaptureDirection::both, 1000, true});
    EXPECT_FALSE(filter);
    return filter ? "" : filter.error().what;
}

TEST(CaptureFilter, WithoutAProgramAllFramesAreTakenAndCut) {
    const auto filter = made({}, false, 96);
    ASSERT_EQ(filter.size(), 1U);
    EXPECT_EQ(filter[0].code, BPF_RET | BPF_K);
    EXPECT_EQ(filter[0].k, 96U);
}

TEST(CaptureFilter, WhatAProgramReturnsIsCutToTheSnaplenAndARefusalStays) {
    const auto filter = made({{BPF_RET | BPF_K, 0, 0, 262144}, {BPF_RET | BPF_K, 0, 0, 0}}, false, 96);
    EXPECT_EQ(filter[0].k, 96U);
    EXPECT_EQ(filter[1].k, 0U);
}

TEST(CaptureFilter, ASnaplenWithinTheSll2HeaderStillTakesFrames) {
    EXPECT_EQ(made({}, true, 20)[0].k, 1U);
    EXPECT_EQ(made({}, true, 21)[0].k, 1U);
    EXPECT_EQ(made({}, true, 120)[0].k, 100U);
}

TEST(CaptureFilter, OffsetsOfSll2BecomeWhatTheKernelSees) {
    const auto filter = made({{BPF_LD | BPF_H | BPF_ABS, 0, 0, 0},
                              {BPF_LD | BPF_W | BPF_ABS, 0, 0, 4},
                              {BPF_LD | BPF_H | BPF_ABS, 0, 0, 8},
                              {BPF_LD | BPF_B | BPF_ABS, 0, 0, 10},
                              {BPF_LD | BPF_B | BPF_ABS, 0, 0, 29},
                              {BPF_LDX | BPF_B | BPF_MSH, 0, 0, 20},
                              {BPF_LD | BPF_H | BPF_IND, 0, 0, 22},
                              {BPF_LD | BPF_IMM, 0, 0, 4},
                              {BPF_LD | BPF_H | BPF_ABS, 0, 0, ancillary(SKF_AD_VLAN_TAG)},
                              {BPF_RET | BPF_K, 0, 0, 1}},
                             true);
    EXPECT_EQ(filter[0].k, ancillary(SKF_AD_PROTOCOL));
    EXPECT_EQ(filter[1].k, ancillary(SKF_AD_IFINDEX));
    EXPECT_EQ(filter[2].k, ancillary(SKF_AD_HATYPE));
    EXPECT_EQ(filter[3].k, ancillary(SKF_AD_PKTTYPE));
    EXPECT_EQ(filter[4].k, 9U);
    EXPECT_EQ(filter[5].k, 0U);
    EXPECT_EQ(filter[6].k, 2U);
    EXPECT_EQ(filter[7].k, 4U);
    EXPECT_EQ(filter[8].k, ancillary(SKF_AD_VLAN_TAG));
}

TEST(CaptureFilter, WhatTheKernelCannotSeeOfCookedFramesIsRefused) {
    EXPECT_NE(refusal({{BPF_LD | BPF_W | BPF_ABS, 0, 0, 12}}).find("byte 12 of the SLL2 header"), std::string::npos);
    EXPECT_NE(refusal({{BPF_LD | BPF_H | BPF_IND, 0, 0, 4}}).find("byte 4 of the SLL2 header"), std::string::npos);
    EXPECT_NE(refusal({{BPF_LD | BPF_W | BPF_LEN, 0, 0, 0}}).find("length"), std::string::npos);
}

TEST(CaptureFilter, OfAllDirectionsLooksAtNone) {
    const auto filter = kernel_filter({{}, CaptureDirection::all, 96, false});
    ASSERT_TRUE(filter);
    ASSERT_EQ(filter->size(), 1U);
    EXPECT_EQ(filter->front().k, 96U);
}

TEST(CaptureFilter, AProgramThatIsTooLongForTheKernelIsRefused) {
    const std::vector<sock_filter> program(BPF_MAXINSNS, {BPF_RET | BPF_K, 0, 0, 1});
    EXPECT_FALSE(kernel_filter({program, CaptureDirection::both, 1000, false}));
}

}  // namespace
}  // namespace sockray
