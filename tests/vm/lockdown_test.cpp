// On a kernel that was booted with lockdown=confidentiality nothing can be traced, and every verb says so.
#include <gtest/gtest.h>

#include "tests/vm/traced.h"

namespace sockray::vm {
namespace {

class Lockdown : public KernelTest {};

TEST_F(Lockdown, is_named_by_doctor_in_the_first_line) {
    const Completed done = sockray({"doctor"});
    EXPECT_EQ(done.status, 3) << shown(done);
    const std::string first = done.out.substr(0, done.out.find('\n'));
    EXPECT_NE(first.find("lock"), std::string::npos) << done.out;
    EXPECT_NE(first.find("confidentiality"), std::string::npos) << done.out;
    EXPECT_NE(done.out.find("lockdown=none"), std::string::npos) << done.out;
}

TEST_F(Lockdown, ends_every_other_verb_with_status_3_and_the_remedy) {
    for (const Arguments& verb : {Arguments{"run", "-i", "veth0", "-c", "1"}, Arguments{"trace"},
                                  Arguments{"trace", "--", "true"}, Arguments{"ops"}, Arguments{"doctor", "--json"}}) {
        const Completed done = sockray(verb);
        EXPECT_EQ(done.status, 3) << shown(done);
        // What a script reads has the reason too.
        if (verb.front() == "doctor") {
            EXPECT_TRUE(done.out.starts_with(R"({"type":"obstacle",)")) << done.out;
            EXPECT_NE(done.out.find("lockdown=none"), std::string::npos) << done.out;
        } else {
            EXPECT_EQ(done.out, "");
        }
        EXPECT_NE(done.err.find("lock"), std::string::npos) << done.err;
        EXPECT_NE(done.err.find("lockdown=none"), std::string::npos) << done.err;
    }
}

}  // namespace
}  // namespace sockray::vm
