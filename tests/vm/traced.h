// What the tests share: runs of sockray with their records, and the helpers' own reports of what the kernel answered.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/vm/process.h"
#include "tests/vm/records.h"

namespace sockray::vm {

// A test on a kernel: in the tests' network, and with nothing attached to the kernel when it is over.
class KernelTest : public ::testing::Test {
  protected:
    void SetUp() override;
    void TearDown() override;
};

struct Traced {
    Completed run;
    Recording recording;
};

// sockray's standard output, read as JSON Lines; the text itself is dropped.
Traced read_back(Completed run);
Traced trace_command(const Arguments& options, const Arguments& command, const RunOptions& run_options = {});
Traced drive(const Arguments& options, const RunOptions& run_options = {});

// The options for the kind of hook that comes and goes in the least time, where it is not the hooks that are looked at.
Arguments quick_hooks();

// One line of packet_sender's report.
struct Answer {
    std::string name;
    std::uint64_t pid = 0;
    std::uint64_t tid = 0;
    std::int64_t ret = 0;
    int err = 0;
};
std::vector<Answer> read_answers(const std::string& report);
std::vector<Answer> answers_of(const std::vector<Answer>& all, const std::string& name);

// The words of packet_sender's command line, as one line for sh.
std::string sender_line(const std::string& report, const std::string& name, const std::string& words);

// Holds what sockray says the kernel answered against what the sender says: as many, in order, the same.
void expect_same_answers(const std::vector<SendLine>& sends, const std::vector<Answer>& answers);

// Each stage of the send itself lies inside the one that calls it. "" or the first that does not.
std::string nesting_error(const SendLine& send);

// A line of every record is JSON, a summary is there, and its sums balance.
void expect_sound(const Traced& traced);

// Prints a line "MATRIX row value": one cell of the table of kernels that tools/test shows at its end. `row` is one
// word.
void matrix_cell(const std::string& row, const std::string& value);

// The first character of `text` that a terminal would obey instead of showing (but newline), as a number; 0: none.
int control_character(const std::string& text);

}  // namespace sockray::vm
