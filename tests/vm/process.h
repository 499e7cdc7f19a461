// Running programs, with their outputs apart and an end that comes in bounded time.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace sockray::vm {

using Arguments = std::vector<std::string>;
using Seconds = std::chrono::duration<double>;

struct RunOptions {
    Seconds timeout{600};              // catches what hangs; what is only slow on a busy machine is done long before
    unsigned uid = 0;                  // not 0: become this user first
    std::string out_file;              // standard output goes there and not into `out`
    std::function<void()> in_child{};  // between fork() and exec()
};

struct Completed {
    int status = -1;  // exit status, or 128 + the signal's number
    bool timed_out = false;
    std::string out;
    std::string err;
    Seconds took{};
};

// A program that runs beside the test. Both outputs are read all the time, so that it never waits for us. What still
// runs when the object goes is killed.
class Process {
  public:
    explicit Process(const Arguments& command, const RunOptions& options = {});
    ~Process();
    Process(Process&&) noexcept;
    Process& operator=(Process&&) noexcept;

    pid_t pid() const;
    bool running() const;
    // True once standard error (output) holds `text`; false when the program ended or the time ran out before.
    bool wait_for_err(const std::string& text, Seconds timeout = Seconds(180)) const;
    bool wait_for_out(const std::string& text, Seconds timeout = Seconds(180)) const;
    void signal(int number) const;
    // From now on nobody reads its standard output.
    void close_out();
    // Waits for its end; kills it when the time of the options runs out.
    Completed finish();

  private:
    struct State;
    std::unique_ptr<State> state_;
};

Completed run(const Arguments& command, const RunOptions& options = {});

// Whether the program comes to sleep inside this kernel function, in bounded time.
bool comes_to_wait_in(const Process& process, const std::string& function);

// What it printed, for a test's message: both outputs, shortened.
std::string shown(const Completed& completed);

// Where the programs are: the environment's word, or else the folder of this test program. See main.cpp.
std::string sockray_path();
std::string sender_path();
std::string churn_path();
std::string beside_test(const std::string& name);

Completed sockray(const Arguments& arguments, const RunOptions& options = {});
Process start_sockray(const Arguments& arguments, const RunOptions& options = {});

// The first of these programs that is not in PATH, "" where all are.
std::string missing_tool(const std::vector<std::string>& names);

// A fresh folder for files, in the guest's /tmp.
std::string scratch(const std::string& name);
std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& text);

}  // namespace sockray::vm
