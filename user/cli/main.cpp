// sockray: the command line. Parses, and hands over to the verbs.
#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <csignal>
#include <new>
#include <sstream>
#include <string>
#include <vector>

#include "user/base/terminal.h"
#include "user/cli/help.h"
#include "user/cli/output.h"
#include "user/cli/verbs.h"

namespace sockray {
namespace {

// Everything behind "--" is never parsed here: a command of its own (trace), or files (diff).
std::vector<std::string> split_command(std::vector<std::string>& arguments) {
    const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
    std::vector<std::string> command;
    if (dashes != arguments.end()) command.assign(dashes + 1, arguments.end());
    arguments.erase(dashes, arguments.end());
    return command;
}

// What CLI11 says of a number of values: "--count: At Most 1 required but received 2", "--count: 1 required N missing".
std::string plainly(const std::string& mismatch) {
    const std::string name = mismatch.substr(0, mismatch.find(':'));
    if (mismatch.starts_with(name + ": At Most 1 required")) return name + " is given more than once";
    if (mismatch.starts_with(name + ": 1 required")) return name + " takes a value";
    return mismatch;
}

bool is_verb(const CLI::App& app, const std::string& word) {
    const auto verbs = app.get_subcommands([](const CLI::App*) { return true; });
    return std::any_of(verbs.begin(), verbs.end(), [&](const CLI::App* verb) { return verb->get_name() == word; });
}

bool is_app_option(const std::string& word) {
    return word == "-h" || word == "--help" || word == "--version";
}

// What --help and --version say.
int say_answer(const CLI::App& app, const CLI::Success& answer) {
    std::ostringstream text;
    const int status = app.exit(answer, text, text);
    Output out(STDOUT_FILENO);
    out.buffer().append(text.str());
    out.flush();
    return say_output_error(out) ? exit_failed : status;
}

// What was typed is echoed, but never raw and never at any length.
int say_usage(const std::string& what, const std::string& verb = "") {
    constexpr int most = 1000;
    say(shortened(printable(what), most));
    say(verb.empty() ? "  see: sockray --help, or sockray VERB --help" : "  see: sockray " + verb + " --help");
    return exit_usage;
}

int main_of(std::vector<std::string> arguments) {
    const bool with_dashes = std::find(arguments.begin(), arguments.end(), "--") != arguments.end();
    std::vector<std::string> command = split_command(arguments);

    CLI::App app(overview, "sockray");
    app.footer(overview_footer);
    app.set_version_flag("--version", "sockray " SOCKRAY_VERSION);
    app.require_subcommand(1);
    Action action;
    add_doctor(app, action);
    add_ops(app, action);
    add_sockets(app, action);
    add_run(app, action);
    add_trace(app, action, command);
    add_capture(app, action);
    add_top(app, action);
    add_report(app, action);
    add_diagnose(app, action);
    add_diff(app, action, command);
    add_compare_methods(app, action);

    if (arguments.empty())
        return say_usage(
            "which verb? doctor, run, trace, top, capture, report, diagnose, diff, compare-methods, ops or sockets");
    if (arguments.front() == "help") arguments.front() = "--help";
    if (!is_verb(app, arguments.front()) && !is_app_option(arguments.front()))
        return say_usage("there is no verb '" + arguments.front() + "'");
    const std::string verb = is_verb(app, arguments.front()) ? arguments.front() : "";
    try {
        std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
        app.parse(arguments);
    } catch (const CLI::Success& success) {
        return say_answer(app, success);
    } catch (const CLI::ExtrasError& error) {
        return say_usage(std::string(error.what()) + (app.got_subcommand("trace") ? "; a command goes behind --" : ""),
                         verb);
    } catch (const CLI::ArgumentMismatch& error) {
        return say_usage(plainly(error.what()), verb);
    } catch (const CLI::ParseError& error) {
        return say_usage(error.what(), verb);
    }

    if (with_dashes && !app.got_subcommand("trace") && !app.got_subcommand("diff"))
        return say_error(usage("only trace takes a command behind --").value());
    if (with_dashes && command.empty() && app.got_subcommand("trace"))
        return say_error(usage("there is no command behind --").value());
    return action();
}

}  // namespace
}  // namespace sockray

// A descriptor 0 to 2 that is closed would be given to something else. Returns whether there is a standard output.
static bool open_standard_descriptors() {
    const bool output = ::fcntl(STDOUT_FILENO, F_GETFD) >= 0;
    for (int fd = 0; fd <= 2; fd++)
        if (::fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", O_RDWR);
    return output;
}

int main(int argc, char** argv) {
    if (!open_standard_descriptors()) {
        sockray::say("standard output is closed: there is nowhere to write results to");
        return sockray::exit_failed;
    }
    ::signal(SIGPIPE, SIG_IGN);  // a closed standard output is an error of write()
    ::signal(SIGXFSZ, SIG_IGN);  // and so is a file that has grown as far as `ulimit -f` lets it
    try {
        return sockray::main_of(std::vector<std::string>(argv + 1, argv + argc));
    } catch (const std::bad_alloc&) {
        sockray::say("there is no memory left (ulimit -v, a cgroup's memory.max, or the machine's)");
        return sockray::exit_failed;
    }
}
