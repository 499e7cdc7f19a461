// bench_table: what the benches printed (standard input, see results.h) as a table; --json, --html: and as a file.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <string>

#include "tests/bench/results_html.h"
#include "tests/bench/results_text.h"

namespace {

bool write_file(const std::string& path, const std::string& text) {
    std::ofstream file(path);
    file << text;
    if (file.flush()) return true;
    std::fprintf(stderr, "bench_table: cannot write %s\n", path.c_str());
    return false;
}

}  // namespace

int main(int argc, char** argv) {
    std::string json;
    std::string html;
    CLI::App app("The values that the benches printed (standard input) as a table.");
    app.add_option("--json", json, "write them to FILE too, every round, as one JSON array")->type_name("FILE");
    app.add_option("--html", html, "and as a page with bars")->type_name("FILE");
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    std::size_t passed_over = 0;
    const sockray::bench::Results results = sockray::bench::read_results(std::cin, passed_over);
    std::fputs(sockray::bench::results_text(results).c_str(), stdout);
    if (passed_over) std::fprintf(stderr, "bench_table: %zu lines are no results\n", passed_over);
    const bool written = (json.empty() || write_file(json, sockray::bench::results_json(results))) &&
                         (html.empty() || write_file(html, sockray::bench::results_html(results)));
    return written ? 0 : 1;
}
