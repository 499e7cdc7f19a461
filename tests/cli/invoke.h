// Runs the built sockray and keeps what it said.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace sockray {

struct Ended {
    int status = -1;  // exit status, or -N where signal N ended it
    std::string out;
    std::string err;

    // Of standard error, or of standard output, without the newline.
    std::string first_error() const { return err.substr(0, err.find('\n')); }
    std::string first_line() const { return out.substr(0, out.find('\n')); }
};

struct Surroundings {
    std::vector<std::string> environment{};  // "NAME=value", beside what this process has
    uid_t uid = 0;                           // not 0: run as this user (where this process may choose)
    bool terminal = false;                   // standard output and error are a terminal: both come back in `out`
    std::string output{};                    // standard output goes to this file
    unsigned interrupt_ms = 0;               // not 0: SIGINT after so long
    bool background = false;                 // SIGINT is ignored at its begin, as a shell's background jobs have it
};

using Words = std::vector<std::string>;

// With nothing on standard input. Ends it by SIGALRM after 30 seconds.
Ended sockray(const Words& arguments, const Surroundings& surroundings = {});

// Whether this kernel lacks what tracing needs, whatever the privileges: no kprobes.
bool machine_cannot_trace();

// A message for people: standard error holds at least one line, and each begins with "sockray: ".
bool is_message(const std::string& text);

// Holds what a terminal would act on: control characters but newline, or bytes that are not UTF-8.
bool is_raw(const std::string& text);

// The bytes, for messages of failed tests.
std::string shown(const std::string& text);
// "sockray" and the words, likewise.
std::string joined(const Words& words);

}  // namespace sockray
