// Every report that can be made of a recording, of bytes that nobody vouches for: the text, JSON, CSV, the page, the
// timelines, stacks, findings, and what it is when held against itself.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "user/analyze/comparison.h"
#include "user/analyze/findings/findings.h"
#include "user/base/fd.h"
#include "user/live/views.h"
#include "user/record/reader.h"
#include "user/report/csv.h"
#include "user/report/diff_json.h"
#include "user/report/diff_text.h"
#include "user/report/findings_json.h"
#include "user/report/findings_text.h"
#include "user/report/flame_svg.h"
#include "user/report/folded.h"
#include "user/report/html/page.h"
#include "user/report/summary_text.h"
#include "user/report/timeline_chrome.h"
#include "user/report/timeline_perfetto.h"

namespace sockray {

class AllReports {
  public:
    // As if they were a file's. Errors: as of replay().
    Result<ReadNotes> make_of(std::string_view bytes) {
        RecordingFiles recording;
        Fd fd(::memfd_create("recording", MFD_CLOEXEC));
        if (!fd || ::write(fd.get(), bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()) ||
            ::lseek(fd.get(), 0, SEEK_SET) != 0)
            return fail("no memory for a file");
        recording.files.push_back({"recording", std::move(fd)});
        return make_of(std::move(recording));
    }
    Result<ReadNotes> make_of(RecordingFiles recording) {
        constexpr Style style{true, true, 100, true};
        Summary summary;
        Findings findings;
        Profile profile;
        const auto json = make_view(View::json, out_, style, summary.devices());
        const auto lines = make_view(View::lines, out_, style, summary.devices());
        const auto tree = make_view(View::tree, out_, style, summary.devices());
        const auto totals = make_view(View::totals, out_, style, summary.devices());
        Csv csv(out_);
        ChromeTimeline chrome(out_);
        PerfettoTimeline perfetto(out_);
        Folded folded(out_);
        FlameSvg flame(out_);
        HtmlPage page(out_);
        page.set_findings([&findings] { return findings.result(); }, [&findings] { return findings.looked(); });
        Taken taken(*this);
        Sink* const sinks[] = {&summary, &findings, json.get(), lines.get(), tree.get(), totals.get(), &csv,
                               &chrome,  &perfetto, &folded,    &flame,      &page,      &profile,     &taken};
        auto notes = replay(std::move(recording), sinks);
        if (!notes) return notes;
        append_findings_json(out_, findings.result());
        append_findings_text(out_, findings, style);
        summary.append_text(out_, style);
        if (profile.sends()) {
            const Comparison comparison = compare(profile, profile, 0);
            append_diff_json(out_, comparison, profile, profile);
            append_diff_text(out_, comparison, profile, profile, style);
        }
        take();
        return notes;
    }

    // Bytes of all reports so far.
    std::size_t bytes() const { return bytes_; }

  private:
    // Takes away what was appended, as whoever writes it out does.
    struct Taken : Sink {
        explicit Taken(AllReports& owner) : reports(owner) {}
        void socket(const sr_socket&, std::uint64_t) override { reports.take(); }
        void send(const Send&) override { reports.take(); }
        void frame(const TapFrame&) override { reports.take(); }
        void end(const Ending&) override { reports.take(); }
        AllReports& reports;
    };
    void take() {
        bytes_ += out_.size();
        out_.clear();
    }
    fmt::memory_buffer out_;
    std::size_t bytes_ = 0;
};

}  // namespace sockray
